import { expect, test } from "vitest";
import type { Host } from "../../sdk/host/index.ts";
import { failing, load, retried } from "./test-support/fixture.ts";
import "../../sdk/vitest/index.ts";

// What requests cost once the filter is warm, both halves together.

const fine = () => ({ status: 200 });
const failsOnce = ({ number }: { readonly number: number }) => ({ status: number === 1 ? 503 : 200 });

interface Row {
  readonly direction: "inbound" | "outbound";
  readonly config: Readonly<Record<string, unknown>>;
  readonly answer: Parameters<Host["fetch"]>[1];
  readonly hostcalls: number;
  readonly allocations: number;
  readonly allocatedBytes: number;
}

const never = { minRetries: 0, percent: 0 };

test.each`
  request                 | direction     | config                  | answer       | hostcalls | allocations | allocatedBytes
  ${"a call"}             | ${"outbound"} | ${{}}                   | ${fine}      | ${11}     | ${5}        | ${236}
  ${"a call"}             | ${"inbound"}  | ${{}}                   | ${fine}      | ${13}     | ${6}        | ${237}
  ${"a call and a retry"} | ${"outbound"} | ${{ minRetries: 1000 }} | ${failsOnce} | ${27}     | ${14}       | ${513}
  ${"a denied retry"}     | ${"outbound"} | ${never}                | ${failing}   | ${21}     | ${9}        | ${450}
`("$request, $direction, takes $hostcalls calls of the host", async ({ direction, config, answer, ...budget }: Row) => {
  const host = await load(config, { listener: { direction } });
  const headers = direction === "inbound" ? { "x-envoy-attempt-count": "1" } : {};
  const request = () => host.fetch({ headers }, answer, retried());
  request();
  const { hostcalls, allocations, allocatedBytes } = budget;
  expect(host.measure(request)).toStayWithin({ hostcalls, allocations, allocatedBytes });
});

test("the calls of the host that a call takes are these", async () => {
  const host = await load();
  const request = () => host.fetch({}, fine, retried());
  request();
  expect(host.measure(request).hostcalls).toEqual({
    clock_time_get: 1,
    proxy_get_header_map_value: 3, // the stamp, :status and grpc-status
    proxy_get_property: 4, // direction, number of the attempt, cluster, and the decision
    proxy_get_shared_data: 1,
    proxy_increment_metric: 1,
    proxy_set_shared_data: 1,
  });
});

test("the module has less than 30 KiB, and ten thousand requests leave one page of memory", async () => {
  const host = await load();
  const usage = host.measure(() => {
    for (let i = 0; i < 10_000; i++) host.fetch({}, fine, retried());
  });
  expect(usage).toStayWithin({ memoryBytes: 65_536, moduleBytes: 30 * 1024 });
});
