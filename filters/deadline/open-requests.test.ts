import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Host, Stream } from "../../sdk/host/index.ts";
import { counted, inbound, load, module, ms, told } from "./test-support/deadline.ts";

// A request that is still open at its deadline is ended by the next tick.

test("ticks come only while there is one", async () => {
  const host = await load({ tick: "20ms" }, inbound);
  const ticks = () => host.hostcalls.count("proxy_set_tick_period_milliseconds");
  told(host, {});
  expect(ticks()).toBe(0);
  const streams = ["100", "1000"].map((left) => host.stream({ headers: ms(left) }));
  expect(ticks()).toBe(1);
  host.advance("119ms");
  expect(streams.map(({ isOver }) => isOver)).toEqual([true, false]);
  expect([streams[0]?.reply.status, streams[0]?.reply.headers.get("x-deadline")]).toEqual([504, "exceeded"]);
  streams[1]?.attempt()?.respond({ status: 200 });
  expect(ticks()).toBe(1);
  host.advance("1s");
  expect(ticks()).toBe(2);
  expect(counted(host, "exceeded_while_open")).toBe(1);
});

describe("it is", () => {
  test("answered while its body is open", async () => {
    const host = await load();
    const stream = host.stream({ method: "POST", headers: ms("100"), endStream: false });
    stream.sendBody("half");
    const attempt = stream.attempt();
    host.advance("150ms");
    expect([stream.reply.status, stream.reply.headers.get("x-deadline")]).toEqual([504, "exceeded"]);
    expect([stream.isOver, attempt?.isOpen]).toEqual([true, false]);
  });

  test("answered with DEADLINE_EXCEEDED where it is gRPC", async () => {
    const host = await load();
    const headers = { "grpc-timeout": "100m", "content-type": "application/grpc" };
    const stream = host.stream({ method: "POST", headers, endStream: false });
    host.advance("150ms");
    expect([stream.reply.status, stream.reply.headers.get("grpc-status")]).toEqual([200, "4"]);
  });

  test("cut after response headers", async () => {
    const host = await load({}, inbound);
    const stream = host.stream({ headers: ms("100") });
    stream.attempt()?.respond({ status: 200, body: "first", endStream: false });
    host.advance("200ms");
    expect([stream.isOver, stream.reply.isCut]).toEqual([true, true]);
    expect(stream.reply.filterState.get("sluice.deadline")).toBe("exceeded");
  });
});

test("a swap of the configuration leaves requests that are open their deadline", async () => {
  const host = await load({ tick: "20ms" }, inbound);
  const stream = host.stream({ headers: ms("100") });
  await host.replace(module, { config: { tick: "1s" } });
  host.advance("120ms");
  expect(stream.reply.status).toBe(504);
});

test("after a trap the VM is made anew, and the requests to come have their deadlines", async () => {
  const host = await load({}, { ...inbound, failurePolicy: "FAIL_RELOAD" });
  host.faults.trap("proxy_on_request_headers", { times: 1 });
  expect(told(host, ms("100")).status).toBe(503);
  host.advance("10s");
  const stream = host.stream({ headers: ms("100") });
  host.advance("150ms");
  expect(stream.reply.status).toBe(504);
});

/** What a test does with a request by its number, or with the clock. */
type Step =
  | { readonly does: "arrive"; readonly leftMs: number; readonly worker: number }
  | { readonly does: "answer" | "disconnect"; readonly which: number }
  | { readonly does: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant("arrive" as const), leftMs: fc.integer({ min: 1, max: 300 }), worker: fc.nat(1) }),
  fc.record({ does: fc.constantFrom("answer" as const, "disconnect" as const), which: fc.nat(20) }),
  fc.record({ does: fc.constant("wait" as const), ms: fc.nat(200) }),
);

const tickMs = 50;

/** The tick of one worker, and who is open there: a naive model, which looks at each millisecond. */
class Worker {
  readonly open = new Map<number, number>();
  #nextTick: number | undefined;

  arrive(request: number, now: number, deadline: number): void {
    this.open.set(request, deadline);
    this.#nextTick ??= now + tickMs;
  }

  passTo(now: number): void {
    if (now !== this.#nextTick) return;
    this.#nextTick = this.open.size === 0 ? undefined : now + tickMs;
    for (const [request, deadline] of this.open) if (now >= deadline) this.open.delete(request);
  }
}

test("any trace of arrivals and ends: who is open is who a naive model says", async () => {
  const check = fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
    const host = await load({ tick: `${tickMs}ms` }, { ...inbound, workers: 2 });
    const streams: Stream[] = [];
    const workers = [new Worker(), new Worker()];
    let now = 0;
    for (const one of steps) {
      if (one.does === "arrive") {
        workers[one.worker]?.arrive(streams.length, now, now + one.leftMs);
        streams.push(host.stream({ headers: ms(String(one.leftMs)) }, { worker: one.worker }));
      } else if (one.does === "wait") {
        for (const end = now + one.ms; now < end; ) {
          now += 1;
          for (const worker of workers) worker.passTo(now);
        }
        host.advance(`${one.ms}ms`);
      } else if (streams.length > 0) {
        const which = one.which % streams.length;
        if (!streams[which]?.isOver) end(streams[which], one.does);
        for (const { open } of workers) open.delete(which);
      }
      const open = new Set(workers.flatMap((worker) => [...worker.open.keys()]));
      expect(streams.map(({ isOver }) => !isOver)).toEqual(streams.map((_, i) => open.has(i)));
    }
    host.advance("1s");
    countsAll(host, streams);
  });
  await fc.assert(check, { seed: 12, numRuns: 60 });
});

function end(stream: Stream | undefined, how: "answer" | "disconnect"): void {
  if (how === "disconnect") stream?.disconnect();
  else stream?.attempt()?.respond({ status: 200 });
}

/** At the end of all: each that was ended by its deadline was answered so, and counted. */
function countsAll(host: Host, streams: readonly Stream[]): void {
  const ended = streams.filter(({ reply }) => reply.status === 504).length;
  expect(counted(host, "exceeded_while_open")).toBe(ended);
}
