// What metrics hold outlives a swap of the module.
import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import * as Status from "../abi/status.ts";
import { ConfigRefused, Host, type PluginOptions } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/metrics.ts");
});

const vmId = "metrics";
const load = (options: Parameters<typeof Host.load>[1] = {}) => Host.load(module, { vmId, config: {}, ...options });

/** Puts another module into its place: VMs of another configuration share none with those before. */
const swap = (host: Host, version: string, options: PluginOptions = {}) =>
  host.replace(module, { vmId, config: {}, vmConfig: version, ...options });

/** The name of a metric as Istio's labels make it. */
const labelled = (n: number, name: string) =>
  `source_workload=.=w${n};.;${"destination=.=catalog;.;".repeat(36)}${name}`;

/** Values of counters and gauges, and how often histograms recorded, by name. */
const all = ({ metrics }: Host) =>
  Object.fromEntries(
    metrics.names.map((name) => [
      name,
      metrics.counter(name) ?? metrics.gauge(name) ?? metrics.histogram(name)?.length,
    ]),
  );

/** Names of the metrics that are noted, in one chunk, as often as they are. */
const noted = (host: Host) => decode(host.shared.get("sluice/metrics/2/0") ?? new Uint8Array()).map(({ name }) => name);

/** Metrics that are noted in a chunk, up to the first note that is none. */
function decode(chunk: Uint8Array): { type: number; name: string }[] {
  const notes = Buffer.from(chunk);
  const metrics: { type: number; name: string }[] = [];
  let last = "";
  for (let at = 0; at + 5 <= notes.length; ) {
    const same = notes.readUInt16LE(at + 1);
    const end = at + 5 + notes.readUInt16LE(at + 3);
    if (end > notes.length || same > last.length) break;
    last = last.slice(0, same) + notes.toString("latin1", at + 5, end);
    metrics.push({ type: notes.readUInt8(at), name: last });
    at = end;
  }
  return metrics;
}

/** Envoy drops dots at the end. */
const held = (names: readonly string[]) => [...new Set(names.map((name) => name.replace(/\.+$/, "")))].toSorted();

const notedBytes = (host: Host) =>
  host.shared.keys().reduce((sum, key) => sum + (host.shared.get(key)?.length ?? 0), 0);

const linesOf = (host: Host) => host.logs.map(({ level, text }) => `${level} ${text}`);

describe("a swap of the module", () => {
  test("begins none of 600 metrics again, which nobody uses meanwhile, there and back again", async () => {
    const host = await load();
    for (let n = 0; n < 200; n++)
      for (const [kind, name] of [
        ["c", "requests"],
        ["g", "open"],
        ["h", "duration"],
      ])
        host.fetch({ path: `/${kind}/${labelled(n, name ?? "")}` });
    const before = all(host);
    expect(Object.keys(before)).toHaveLength(600);
    for (const version of ["2", "", "2"]) {
      await swap(host, version);
      expect(all(host)).toEqual(before);
    }
    host.fetch({ path: `/c/${labelled(7, "requests")}` });
    expect(host.metrics.counter(labelled(7, "requests"))).toBe(2);
    for (const key of host.shared.keys()) expect(host.shared.get(key)?.length).toBeLessThan(4096 + 2048);
    expect(notedBytes(host)).toBeLessThan(200 * 1.1 * labelled(0, "").length); // of names that follow each other, what differs
  });

  test("finds what several workers have noted in turns, each name once", async () => {
    const kinds = fc.constantFrom("c", "g", "h");
    const use = fc.record({
      ...{ kind: kinds, name: fc.stringMatching(/^[a-c.]{1,3}$/), worker: fc.nat(2) },
      meanwhile: fc.option(fc.stringMatching(/^[a-c.]{1,3}$/)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(use, { maxLength: 30 }), async (uses) => {
        const host = await load({ workers: 3 });
        for (const { kind, name, worker, meanwhile } of uses) {
          if (meanwhile !== null)
            host.shared.afterNextRead(() =>
              host.fetch({ path: `/c/${meanwhile}` }, undefined, { worker: (worker + 1) % 3 }),
            );
          host.fetch({ path: `/${kind}/${kind}${name}` }, undefined, { worker });
          host.shared.afterNextRead(() => {});
        }
        const bytes = notedBytes(host);
        const names = noted(host);
        expect(names).toHaveLength(new Set(names).size);
        expect(held(names)).toEqual(host.metrics.names);
        for (const version of ["2", "3"]) {
          const before = all(host);
          await swap(host, version);
          expect(all(host)).toEqual(before);
          for (const { kind, name, worker } of uses)
            host.fetch({ path: `/${kind}/${kind}${name}` }, undefined, { worker });
        }
        expect(notedBytes(host)).toBe(bytes);
      }),
      { seed: 7, numRuns: 50 },
    );
  });
});

test.each`
  takeOver | workers | value
  ${true}  | ${1}    | ${2}
  ${true}  | ${3}    | ${2}
  ${false} | ${1}    | ${undefined}
`(
  "of requests that end after a swap, in labels of their own, $value are counted",
  async ({ takeOver, workers, value }) => {
    const host = await load({ config: { takeOver }, workers });
    const open = [0, 1].map((n) => host.stream({ path: "/l/late" }, { worker: n % workers }));
    await swap(host, "2", { config: { takeOver } });
    for (const stream of open) stream.attempt()?.respond({ status: 200 });
    expect(host.metrics.counter("late")).toBe(value);
    await swap(host, "3", { config: { takeOver } });
    expect(host.metrics.counter("late")).toBe(value ?? 0);
  },
);

describe("a canary whose configuration is refused", () => {
  const refused = (host: Host) =>
    expect(swap(host, "refused", { config: { takeOver: true, count: 1, unknown: 1 } })).rejects.toThrow(ConfigRefused);

  test("defines nothing of what is noted", async () => {
    const host = await load();
    for (let n = 0; n < 9; n++) host.fetch({ path: `/c/${n}` });
    const before = host.hostcalls.byName["proxy_define_metric"];
    await refused(host);
    expect(host.hostcalls.byName["proxy_define_metric"]).toBe((before ?? 0) + 1); // its own
  });

  test("does not take the news of metrics from the VM that has them", async () => {
    const config = { takeOver: true };
    const host = await load({ config });
    const open = [0, 1].map(() => host.stream({ path: "/l/late" }));
    await swap(host, "2", { config });
    await refused(host);
    for (const stream of open) stream.attempt()?.respond({ status: 200 });
    await swap(host, "3", { config });
    expect(host.metrics.counter("late")).toBe(2);
  });
});

test("the queue of metrics is emptied with the next news, and other queues are the plugin's", async () => {
  const host = await load({ config: { takeOver: true } });
  const unread = host.faults.fail("proxy_dequeue_shared_queue", Status.InternalFailure);
  for (let n = 0; n < 9; n++) host.fetch({ path: `/c/${n}` });
  host.advance("1s");
  unread.end();
  const { hostcalls } = host.measure(() => {
    for (const path of ["/q/a", "/c/last"]) host.fetch({ path });
    host.advance("1s");
  });
  expect(host.metrics.counter("item.a")).toBe(1);
  expect(hostcalls["proxy_dequeue_shared_queue"]).toBeGreaterThan(9);
});

test("metrics go on through a trap, also where no VM is left that has defined them", async () => {
  const host = await load({ failurePolicy: "FAIL_RELOAD", workers: 2 });
  for (let i = 0; i < 2; i++) host.fetch({ path: "/c/a" });
  host.faults.fail("proxy_get_shared_data", Status.NotFound); // so that the new VM doesn't define it
  expect([host.fetch({ path: "/trap" }).status, host.fetch({ path: "/" }).status]).toEqual([503, 503]);
  host.advance("1s");
  expect(host.fetch({ path: "/" }).status).toBe(200);
  await host.replace(module, { vmId, config: { name: "b" } });
  expect(host.metrics.counter("a")).toBe(2);
});

describe("what is noted of metrics", () => {
  test("has a bound; what is beyond it counts, and begins again after a swap", async () => {
    const host = await load();
    const name = (n: number) => `${n}.`.padEnd(60_000, "x");
    for (let n = 100; n < 300; n++) host.fetch({ path: `/c/${name(n)}` });
    const bytes = notedBytes(host);
    expect(bytes).toBeGreaterThan(256 * 1024 - 61_000);
    expect(bytes).toBeLessThanOrEqual(256 * 1024);
    const [begin, full] = ["info all metrics begin", "warn no room for notes of more metrics: a swap begins"];
    expect(linesOf(host)).toEqual([expect.stringContaining(begin), expect.stringContaining(full)]);
    expect([host.metrics.counter(name(100)), host.metrics.counter(name(299))]).toEqual([1, 1]);
    await swap(host, "2");
    host.fetch({ path: `/c/${name(299)}` });
    expect([host.metrics.counter(name(100)), host.metrics.counter(name(299))]).toEqual([1, 1]);
    expect(notedBytes(host)).toBe(bytes);
  });

  test("begins once for a proxy, with a line of the log", async () => {
    const host = await load({ workers: 3, config: { name: "#", count: 2 } });
    for (let worker = 0; worker < 3; worker++) host.fetch({ path: "/c/a" }, undefined, { worker });
    await swap(host, "2");
    expect(linesOf(host)).toEqual(["info all metrics begin at 0: none in sluice/metrics/2/0"]);
  });

  test("and can't be read is said once by each VM that meets it, before it has a metric to note", async () => {
    const host = await load();
    host.fetch({ path: `/n/${Buffer.from("another layout").toString("hex")}` });
    await swap(host, "2");
    const line = "warn notes of metrics are broken: a swap begins them at 0";
    const ofVms = [line, line, line]; // a canary, the main thread and a worker
    expect(linesOf(host)).toEqual(ofVms);
    for (const path of ["/c/a", "/c/b"]) host.fetch({ path });
    expect(linesOf(host)).toEqual(ofVms);
  });

  test("is read as far as it can be; what is broken neither traps nor holds anything up", async () => {
    const note = fc
      .tuple(
        fc.nat(3),
        fc.constantFrom(0, 0, 0, 1, 9),
        fc.option(fc.nat(9), { freq: 2 }),
        fc.stringMatching(/^[a-c]{0,9}$/),
      )
      .map(([type, same, wrong, name]) => [type, same, 0, wrong ?? name.length, 0, ...Buffer.from(name)]);
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 5000 }),
      fc.array(note, { maxLength: 9 }).map((notes) => Uint8Array.from(notes.flat())),
    );
    await fc.assert(
      fc.asyncProperty(chunk, async (bytes) => {
        const host = await load();
        host.fetch({ path: `/n/${Buffer.from(bytes).toString("hex")}` });
        await swap(host, "2");
        const names = decode(bytes).flatMap(({ type, name }) => (type < 3 ? [name] : []));
        expect(held(host.metrics.names)).toEqual(held(names));
        for (let i = 0; i < 2; i++) host.fetch({ path: "/c/own" });
        expect(host.metrics.counter("own")).toBe(2);
        const isUntouched = Buffer.from(bytes).equals(host.shared.get("sluice/metrics/2/0") ?? new Uint8Array());
        expect(noted(host).includes("own") || isUntouched).toBe(true); // nobody would read what is behind a broken note
        expect(host.logs.filter(({ level }) => level === "error" || level === "critical")).toEqual([]);
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  test("leaves out a name of more than 65,535 bytes", async () => {
    const host = await load();
    for (const size of [65_535, 65_536]) host.fetch({ path: `/c/${"x".repeat(size)}` });
    await swap(host, "2");
    expect(host.metrics.names.map(({ length }) => length)).toEqual([65_535]);
  });

  test.each([Status.CasMismatch, Status.InternalFailure])(
    "is nothing where writing answers status %i, and metrics count",
    async (status) => {
      const host = await load();
      host.faults.fail("proxy_set_shared_data", status);
      for (let i = 0; i < 2; i++) host.fetch({ path: "/c/a" });
      expect([all(host), host.shared.keys()]).toEqual([{ a: 2 }, []]);
    },
  );

  test("costs each VM one read, and the first VM one more and a write", async () => {
    const calls = async (config: object) => {
      const { byName } = (await load({ config: { ...config } })).hostcalls;
      return ["define_metric", "get_shared_data", "set_shared_data"].map((name) => byName[`proxy_${name}`]);
    };
    expect(await calls({})).toEqual([undefined, 3, undefined]); // a canary, the main thread and a worker
    expect(await calls({ name: "a", count: 1 })).toEqual([5, 4, 1]);
  });
});
