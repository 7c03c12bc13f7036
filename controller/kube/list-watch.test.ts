import { expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { TestClock } from "../ports/clock.ts";
import type { WatchEvent } from "./api.ts";
import { KubeError } from "./kube-error.ts";
import { ListWatch, silenceMsMax } from "./list-watch.ts";
import { bookmark, event, object, Script, status } from "./test-support/script.ts";

/** A list-watch against an API server that does what each test tells it, call by call. */
class Followed {
  readonly clock = new TestClock();
  readonly server = new Script();
  readonly seen: string[] = [];
  readonly listWatch = new ListWatch({
    list: (signal) => this.server.list(signal),
    watch: ({ resourceVersion }, signal) => this.server.watch(resourceVersion, signal),
    onList: (items) => this.seen.push(`list ${items.map(({ metadata }) => metadata.name).join(" ")}`.trim()),
    onEvent: (type, { metadata }) => this.seen.push(`${type} ${metadata.name}`),
    onHealth: (error) => this.seen.push(error === undefined ? "well" : `trouble: ${error.message}`),
    clock: this.clock,
    random: () => 0,
  });

  /** Everything that has been seen since the last time. */
  async sees(...expected: string[]): Promise<void> {
    await until(
      () => this.seen.length >= expected.length,
      () => `[${expected.join(", ")}]; it is [${this.seen.join(", ")}]`,
    );
    expect(this.seen.splice(0)).toEqual(expected);
  }

  /** Lets time pass until the next call; resolves with how long that was, in ms, give or take some. */
  async untilCalled(): Promise<number> {
    const startMs = this.clock.nowMs();
    while (this.server.calls === 0) {
      this.clock.advance(50);
      await Promise.resolve();
    }
    return Math.round((this.clock.nowMs() - startMs) / 250) * 250;
  }
}

async function watching(...names: string[]): Promise<Followed> {
  const followed = new Followed();
  followed.listWatch.start();
  (await followed.server.next("list")).answer(
    names.map((name) => object(name)),
    "10",
  );
  (await followed.server.next("watch 10")).accept();
  await followed.sees(`list ${names.join(" ")}`.trim(), "well");
  return followed;
}

test("lists, then watches from there", async () => {
  const followed = await watching("a", "b");
  followed.server.send(event("ADDED", "c", "11"), event("MODIFIED", "a", "12"), event("DELETED", "b", "13"));
  await followed.sees("ADDED c", "MODIFIED a", "DELETED b");
});

test("a watch that the server ends in time goes on from the last version, also of a bookmark", async () => {
  const followed = await watching("a");
  followed.server.send(event("ADDED", "b", "11"), bookmark("50"));
  await followed.sees("ADDED b");
  followed.server.end();
  (await followed.server.next("watch 50")).accept();
  followed.server.send(event("ADDED", "c", "51"));
  await followed.sees("ADDED c");
});

const busy = new KubeError("slow down", { code: 429, reason: "TooManyRequests", retryAfterMs: 3000 });

test("429: after what it asks for the watch goes on, and only a second in a row is trouble", async () => {
  const followed = await watching("a");
  followed.server.fail(busy);
  expect(await followed.untilCalled()).toBeGreaterThanOrEqual(3000);
  expect(followed.seen).toEqual([]);
  (await followed.server.next("watch 10")).reject(busy);
  await followed.sees("trouble: slow down");
  followed.clock.advance(3000);
  (await followed.server.next("watch 10")).accept();
  await followed.sees("well");
});

test.each<{ how: string; fault: KubeError; waitMs: number }>([
  { how: "a broken connection", fault: new KubeError("reset", { code: 0, reason: "Unreachable" }), waitMs: 250 },
  { how: "500", fault: new KubeError("etcd is away", { code: 500, reason: "InternalError" }), waitMs: 250 },
])("$how: what is known stays, and the watch goes on after $waitMs ms where it was", async ({ fault, waitMs }) => {
  const followed = await watching("a");
  followed.server.send(event("ADDED", "b", "11"));
  await followed.sees("ADDED b");
  followed.server.fail(fault);
  await followed.sees(`trouble: ${fault.message}`);
  followed.clock.advance(waitMs - 1);
  expect(followed.server.calls).toBe(0);
  followed.clock.advance(1);
  (await followed.server.next("watch 11")).accept();
  followed.server.send(event("DELETED", "a", "12"));
  await followed.sees("well", "DELETED a");
});

test("waits double up to 10 s, and begin anew once something was heard", async () => {
  const followed = await watching("a");
  const fault = new KubeError("refused", { code: 0, reason: "Unreachable" });
  const waits: number[] = [];
  followed.server.fail(fault);
  for (let i = 0; i < 8; i++) {
    await followed.sees("trouble: refused");
    waits.push(await followed.untilCalled());
    (await followed.server.next("watch 10")).reject(fault);
  }
  expect(waits).toEqual([250, 500, 1000, 2000, 4000, 8000, 10000, 10000]);
  await followed.sees("trouble: refused");
  followed.clock.advance(10_000);
  (await followed.server.next("watch 10")).accept();
  followed.server.send(event("ADDED", "b", "11"));
  followed.server.fail(fault);
  await followed.sees("well", "ADDED b", "trouble: refused");
  followed.clock.advance(250);
  await followed.server.next("watch 11");
});

test.each([
  ["410 instead of a watch", (server: Script) => server.next("watch 10").then((call) => call.reject(expired()))],
  [
    "410 in the stream",
    async (server: Script) => {
      (await server.next("watch 10")).accept();
      server.send({ type: "ERROR", object: status(410) } as unknown as WatchEvent);
    },
  ],
])("%s: all is listed anew at once", async (_, expire) => {
  const followed = await watching("a", "b");
  followed.server.send(bookmark("10"));
  followed.server.end();
  await expire(followed.server);
  (await followed.server.next("list")).answer([object("b"), object("c")], "90");
  (await followed.server.next("watch 90")).accept();
  await followed.sees("list b c");
});

test("410 after an outage lists at once, too", async () => {
  const followed = await watching("a");
  followed.server.send(event("ADDED", "b", "11"));
  followed.server.fail(new KubeError("reset", { code: 0, reason: "Unreachable" }));
  await followed.sees("ADDED b", "trouble: reset");
  followed.clock.advance(250);
  (await followed.server.next("watch 11")).reject(expired());
  (await followed.server.next("list")).answer([object("b")], "90");
  (await followed.server.next("watch 90")).accept();
  await followed.sees("list b", "well");
});

test("a server that ends each watch at once is not asked in a circle", async () => {
  const followed = await watching("a");
  followed.server.end();
  await followed.sees("trouble: the API server ended a watch at once");
  expect(followed.server.calls).toBe(0);
  followed.clock.advance(250);
  await followed.server.next("watch 10");
});

test("a server that lists but never lets watch is not asked in a circle", async () => {
  const followed = new Followed();
  followed.listWatch.start();
  const forbidden = new KubeError("may not watch", { code: 403, reason: "Forbidden" });
  for (const waitMs of [250, 500]) {
    (await followed.server.next("list")).answer([object("a")], "10");
    (await followed.server.next("watch 10")).reject(forbidden);
    await followed.sees("list a", "trouble: may not watch");
    followed.clock.advance(waitMs - 1);
    expect(followed.server.calls).toBe(0);
    followed.clock.advance(1);
  }
  await followed.server.next("list");
});

test("a watch that has gone silent is opened anew where it was; that is no trouble while the server answers", async () => {
  const followed = await watching("a");
  followed.clock.advance(silenceMsMax - 1);
  followed.server.send(bookmark("11"));
  followed.server.send(event("ADDED", "b", "12"));
  await followed.sees("ADDED b");
  followed.clock.advance(silenceMsMax);
  (await followed.server.next("watch 12")).accept();
  followed.server.send(event("ADDED", "c", "13"));
  await followed.sees("ADDED c");
  followed.clock.advance(silenceMsMax);
  (await followed.server.next("watch 13")).reject(new KubeError("refused", { code: 0, reason: "Unreachable" }));
  await followed.sees("trouble: refused");
});

test("a watch that is not answered is given up", async () => {
  const followed = await watching("a");
  followed.server.send(bookmark("11"));
  followed.server.end();
  const asked = await followed.server.next("watch 11");
  followed.clock.advance(silenceMsMax);
  await followed.sees("trouble: the API server did not answer a watch for 90 s");
  asked.accept();
  followed.clock.advance(250);
  await followed.server.next("watch 11");
});

test.each([
  ["a list", async (followed: Followed) => void (await followed.server.next("list"))],
  [
    "a wait",
    async (followed: Followed) => {
      (await followed.server.next("list")).reject(new KubeError("no", { code: 0, reason: "Unreachable" }));
      await followed.sees("trouble: no");
    },
  ],
  [
    "a watch",
    async (followed: Followed) => {
      (await followed.server.next("list")).answer([], "1");
      await followed.server.next("watch 1");
      await followed.sees("list");
    },
  ],
])("stop during %s ends it, and nothing follows", async (_, reach) => {
  const followed = new Followed();
  followed.listWatch.start();
  await reach(followed);
  followed.listWatch.stop();
  followed.server.answerLate();
  followed.clock.advance(3_600_000);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  expect([followed.seen, followed.server.calls]).toEqual([[], 0]);
});

function expired(): KubeError {
  return new KubeError("too old resource version", { code: 410, reason: "Expired" });
}
