// What tests of retry-budget share: the filter in a host, a route that is retried, and an upstream that fails.
import { beforeAll } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

type HostOptions = NonNullable<Parameters<typeof Host.load>[1]>;
type FetchOptions = NonNullable<Parameters<Host["fetch"]>[2]>;

export let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("retry-budget");
});

/** The filter in both halves, outbound. */
export const load = (
  config: Readonly<Record<string, unknown>> = {},
  options: Partial<HostOptions> = {},
): Promise<Host> =>
  Host.load(module, {
    ...{ config, upstream: true, listener: { direction: "outbound" } },
    ...options,
  });

export const cluster = { name: "outbound|80||catalog.shop", endpoints: [{ address: "10.0.0.7:8080" }] };
export const fiveHundreds = { retryOn: "5xx", attempts: 3, attemptCount: true };
export const told = { retryOn: "5xx", attempts: 3, timeoutMs: 0 };

/** A route on which 5xx is retried three times, and the filter knows it. */
export const retried = (options: Partial<FetchOptions> = {}): FetchOptions => ({
  route: { ...fiveHundreds, metadata: { "dev.sluice": told } },
  cluster,
  ...options,
});

export const failing = () => ({ status: 503, headers: { "x-shop": "closed" }, body: "closed" });

/** Labels of the budget's metrics. */
export const scope = { scope: cluster.name };
