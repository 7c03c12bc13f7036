// The deadline filter in the host, as its tests start it.
import { Host, type HostOptions } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

export const module = await filterModule("deadline");

export type Headers = Readonly<Record<string, string | readonly string[]>>;

/** Both halves, outbound unless `options` say otherwise. */
export async function load(
  config: Readonly<Record<string, unknown>> = {},
  options: Partial<HostOptions> = {},
): Promise<Host> {
  return await Host.load(module, { config, upstream: true, listener: { direction: "outbound" }, ...options });
}

export const inbound = { listener: { direction: "inbound" } } as const;
export const atGateway = { node: { id: "router~10.0.0.9~gw~mesh" } } as const;

/** A worker's listeners have shared data in common, so one host can stand for both: directions by property. */
export const arriving = { properties: { "xds.listener_direction": 1n } };
export const leaving = { properties: { "xds.listener_direction": 2n } };

export const id = { "x-request-id": "0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab" };
export const ms = (text: string) => ({ "x-request-timeout-ms": text });

/** What the controller tells of a route. */
export const routeOf = (told: Readonly<Record<string, number>>) => ({ timeoutMs: 0, metadata: { "dev.sluice": told } });

export interface Told {
  readonly status: number;
  /** undefined: in no such header. */
  readonly relative: string | undefined;
  readonly grpc: string | undefined;
  /** What the router gives the attempt. */
  readonly expected: string | undefined;
}

/** What the upstream was told, and the caller got; the route has no timeout unless `options` say otherwise. */
export function told(host: Host, headers: Headers, options: Parameters<Host["fetch"]>[2] = {}): Told {
  let seen = { relative: undefined, grpc: undefined, expected: undefined } as Omit<Told, "status">;
  const { status } = host.fetch(
    { headers },
    (attempt) => {
      const get = (name: string) => attempt.headers.get(name);
      seen = {
        relative: get("x-request-timeout-ms"),
        grpc: get("grpc-timeout"),
        expected: get("x-envoy-expected-rq-timeout-ms"),
      };
      return { status: 200 };
    },
    { route: { timeoutMs: 0 }, ...options },
  );
  return { status, ...seen };
}

/** What a metric, by the middle of its name, has counted. */
export function counted(host: Host, what: string): number {
  return host.metrics.counter(`deadline_${what}_total`) ?? 0;
}
