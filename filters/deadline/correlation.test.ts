import fc from "fast-check";
import { expect, test } from "vitest";
import type { Stream } from "../../sdk/host/index.ts";
import { arriving, atGateway, id, leaving, load, module, ms, told } from "./test-support/deadline.ts";

// What ties a call of the application to the request that caused it.

const traced = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" };
const elsewhere = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01" };
const noTrace = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736" };
const ofSize = (size: number) => ({ "x-request-id": "a".repeat(size) });

test.each`
  correlate         | first         | second        | tightened
  ${"x-request-id"} | ${id}         | ${id}         | ${true}
  ${"x-request-id"} | ${traced}     | ${traced}     | ${false}
  ${"traceparent"}  | ${traced}     | ${elsewhere}  | ${true}
  ${"traceparent"}  | ${noTrace}    | ${noTrace}    | ${false}
  ${"traceparent"}  | ${id}         | ${id}         | ${false}
  ${"off"}          | ${id}         | ${id}         | ${false}
  ${"off"}          | ${traced}     | ${traced}     | ${false}
  ${"x-request-id"} | ${id}         | ${{}}         | ${false}
  ${"x-request-id"} | ${ofSize(64)} | ${ofSize(64)} | ${true}
  ${"x-request-id"} | ${ofSize(65)} | ${ofSize(65)} | ${false}
  ${"x-request-id"} | ${ofSize(0)}  | ${ofSize(0)}  | ${false}
`("by $correlate: $first, then $second: $tightened", async ({ correlate, first, second, tightened }) => {
  const host = await load({ correlate });
  host.stream({ headers: { ...ms("3000"), ...first } }, arriving);
  host.advance("500ms");
  expect(told(host, second, leaving).relative).toBe(tightened ? "2500" : undefined);
  expect(told(host, { ...second, ...ms("100") }, leaving).relative).toBe("100");
  expect(told(host, { ...second, ...ms("9000") }, leaving).relative).toBe(tightened ? "2500" : "9000");
});

test("a gateway ties nothing together", async () => {
  const host = await load({}, atGateway);
  host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
  expect(told(host, id, leaving).relative).toBeUndefined();
});

test("lasts until the answer, or for ever once the deadline passed, until the id comes again", async () => {
  const host = await load();
  const stream = host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
  stream.attempt()?.respond({ status: 200 });
  expect(told(host, id, leaving).relative).toBeUndefined();
  host.stream({ headers: { ...ms("100"), ...id } }, arriving);
  host.advance("1s");
  expect(told(host, id, leaving).status).toBe(504);
  host.stream({ headers: id }, arriving);
  expect(told(host, id, leaving).relative).toBeUndefined();
});

test.each(["1ms", "1s"] as const)("outlives a caller who resets %s before the deadline", async (before) => {
  const host = await load();
  const stream = host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
  stream.attempt();
  host.advance(before === "1ms" ? "2999ms" : "2s");
  stream.disconnect();
  expect(told(host, id, leaving).relative).toBe(String(before === "1ms" ? 1 : 1000));
  host.advance(before);
  expect(told(host, id, leaving).status).toBe(504);
});

test("of two requests with one id the newest counts, and the end of the older takes nothing from it", async () => {
  const host = await load();
  const older = host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
  host.stream({ headers: { ...ms("2000"), ...id } }, arriving);
  older.attempt()?.respond({ status: 200 });
  expect(told(host, id, leaving).relative).toBe("2000");
});

test("a request that is refused on arrival, which the application never sees, takes nothing from an open one", async () => {
  const host = await load();
  host.stream({ headers: { ...ms("3000"), ...id } }, arriving);
  expect(told(host, { ...ms("0"), ...id }, arriving).status).toBe(504);
  expect(told(host, id, leaving).relative).toBe("3000");
});

test("of five hundred open requests some lose their place: their calls are not tightened, and none is wrongly", async () => {
  const host = await load();
  const requests = Array.from({ length: 500 }, (_, i) => ({ "x-request-id": `r${i}`, ...ms(String(5000 + i)) }));
  for (const headers of requests) host.stream({ headers }, arriving);
  const found = requests.map(({ "x-request-id": own }) => told(host, { "x-request-id": own }, leaving).relative);
  expect(found.every((left, i) => left === undefined || left === String(5000 + i))).toBe(true);
  const lost = found.filter((left) => left === undefined).length;
  expect(lost).toBeGreaterThan(0);
  expect(lost).toBeLessThan(50);
});

test("is known to all workers, and outlives a swap", async () => {
  const host = await load({}, { workers: 2 });
  host.stream({ headers: { ...ms("3000"), ...id } }, { ...arriving, worker: 0 });
  expect(told(host, id, { ...leaving, worker: 1 }).relative).toBe("3000");
  await host.replace(module, { config: { minimum: "5ms" }, upstream: true });
  expect(told(host, id, leaving).relative).toBe("3000");
});

test("does not grow with traffic, and says once that it starts empty", async () => {
  const host = await load({}, { workers: 2 });
  for (let i = 0; i < 5000; i++)
    host.fetch({ headers: { ...ms("3000"), "x-request-id": `r${i}` } }, undefined, arriving);
  expect(host.shared.keys().length).toBeLessThanOrEqual(4097);
  expect(host.logs.filter(({ text }) => text.includes("it starts empty"))).toHaveLength(1);
});

/** What a test does with a request of an id by its number, or with the clock. */
const step = fc.oneof(
  fc.record({
    does: fc.constant("arrive" as const),
    of: fc.nat(2),
    leftMs: fc.oneof(fc.constantFrom(null, 0), fc.integer({ min: 1, max: 400 })),
  }),
  fc.record({ does: fc.constantFrom("answer" as const, "disconnect" as const), of: fc.nat(20) }),
  fc.record({ does: fc.constant("wait" as const), of: fc.nat(200) }),
);

test("any trace of arrivals, answers and resets: a call has the deadline of the newest request of its id while that is of use", async () => {
  const check = fc.asyncProperty(fc.array(step, { maxLength: 30, size: "max" }), async (steps) => {
    const host = await load({}, { workers: 2 });
    const open: { readonly of: number; readonly end: number; readonly stream: Stream }[] = [];
    const newest = [0, 0, 0]; // the deadline of each id; 0: none
    let now = 1;
    for (const [i, one] of steps.entries()) {
      const at = { worker: i % 2 };
      if (one.does === "wait") {
        now += one.of;
        host.advance(`${one.of}ms`);
      } else if (one.does === "arrive") {
        const left = one.leftMs === null ? {} : ms(String(one.leftMs));
        const stream = host.stream({ headers: { "x-request-id": `r${one.of}`, ...left } }, { ...arriving, ...at });
        if (stream.isOver) expect(one.leftMs).toBe(0);
        else newest[one.of] = one.leftMs === null ? 0 : now + one.leftMs;
        open.push({ of: one.of, end: newest[one.of] ?? 0, stream });
      } else {
        const request = open[one.of % open.length];
        if (!request || request.stream.isOver) continue;
        if (one.does === "disconnect") request.stream.disconnect();
        else request.stream.attempt()?.respond({ status: 200 });
        if (one.does === "answer" && now < request.end && newest[request.of] === request.end) newest[request.of] = 0;
      }
      for (const [of, deadline] of newest.entries()) {
        const found = told(host, { "x-request-id": `r${of}` }, { ...leaving, worker: (i + 1) % 2 });
        const left = deadline - now;
        expect(found).toMatchObject(
          deadline > 0 && left < 1 ? { status: 504 } : { relative: deadline === 0 ? undefined : String(left) },
        );
      }
    }
  });
  await fc.assert(check, { seed: 21, numRuns: 100 });
});
