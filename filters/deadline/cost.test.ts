import { expect, test } from "vitest";
import "../../sdk/vitest/index.ts";
import { id, load, ms, told } from "./test-support/deadline.ts";

// Budgets, which fail when a request costs more. They stand in README.md, too.

test.each`
  direction     | headers                     | calls
  ${"outbound"} | ${id}                       | ${7}
  ${"outbound"} | ${{ ...id, ...ms("5000") }} | ${17}
  ${"inbound"}  | ${id}                       | ${7}
  ${"inbound"}  | ${{ ...id, ...ms("5000") }} | ${18}
`("$direction, $headers: $calls host calls", async ({ direction, headers, calls }) => {
  const host = await load({}, { listener: { direction } });
  host.stream({ headers: ms("60000") }); // the tick runs
  host.hostcalls.reset();
  told(host, headers);
  expect(host.hostcalls.total).toBe(calls);
});

test.each`
  direction     | allocations | allocatedBytes
  ${"outbound"} | ${6}        | ${80}
  ${"inbound"}  | ${6}        | ${120}
`("$direction with a deadline the host brings $allocations values", async ({ direction, ...budget }) => {
  const host = await load({}, { listener: { direction } });
  const request = () => told(host, { ...id, ...ms("5000") });
  request();
  expect(host.measure(request)).toStayWithin(budget);
});

test("of three thousand requests nothing remains", async () => {
  const host = await load();
  const many = host.measure(() => {
    for (let i = 0; i < 3000; i++) told(host, { ...id, ...ms("5000") });
  });
  expect(many).toStayWithin({ memoryBytes: 65_536, moduleBytes: 31 * 1024 });
});

test("a tick over 300 open requests makes one call of the host", async () => {
  const host = await load();
  for (let i = 0; i < 300; i++) host.stream({ headers: ms("60000") });
  host.hostcalls.reset();
  host.advance("50ms");
  expect(host.hostcalls.total).toBe(1);
});
