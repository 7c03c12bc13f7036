import { expect, test } from "vitest";
import type { Problem } from "../model/problem.ts";
import type { RawObject } from "../model/raw-object.ts";
import type { WrittenStatus } from "../model/written-status.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import type { PluginStatus } from "../status/plugin-status.ts";
import type { KubeObject, Target } from "./api.ts";
import { KubeError } from "./kube-error.ts";
import { RefusalEvents } from "./refusal-events.ts";
import { absenceMsMax, StatusWriter } from "./status-writer.ts";
import { pluginStatus } from "./test-support/status.ts";

/** An API server with a WasmPlugin `shop/p`, and what is written to it. */
class Cluster {
  readonly clock = new TestClock(Date.parse("2026-01-01T00:00:00Z"));
  readonly log = new TestLog();
  readonly writes: string[] = [];
  status: unknown;
  fault: KubeError | undefined;
  readonly #common = { clock: this.clock, random: () => 0, log: this.log };
  readonly #client = {
    get: () => Promise.resolve(this.#object()),
    apply: (target: Target, { status }: { readonly status?: WrittenStatus }) => {
      const counts = status?.proxies && `status ${Object.values(status.proxies).join("/")}`;
      const words = status?.conditions?.map((one) => `${one.type}=${one.status} ${one.message}`).join();
      this.writes.push(this.fault ? "fault" : (counts ?? `${target.plural} ${target.version} ${words}`));
      if (this.fault) return Promise.reject(this.fault);
      this.status = status;
      return Promise.resolve(this.#object());
    },
    create: (_: unknown, event: { readonly reason?: string; readonly note?: string; readonly series?: unknown }) => {
      this.writes.push(`event ${event.reason} ${event.note?.replaceAll("\n", " ")}`);
      return Promise.resolve(this.#object());
    },
    mergePatch: (_: unknown, patch: { readonly series?: { readonly count: number } }) => {
      this.writes.push(`event again: ${patch.series?.count}`);
      return Promise.resolve(this.#object());
    },
  };
  readonly events = new RefusalEvents({ client: this.#client, controller: "sluice-0", ...this.#common });
  readonly writer = new StatusWriter({ client: this.#client, events: this.events, ...this.#common });

  constructor() {
    this.writer.objects([this.raw("u1", 1)]);
  }

  #object(): KubeObject {
    return { apiVersion: "v1", kind: "WasmPlugin", metadata: { name: "p" }, status: this.status };
  }

  raw(uid: string, generation: number): RawObject {
    const metadata = { namespace: "shop", name: "p", uid, generation };
    return { value: { apiVersion: "extensions.istio.io/v1alpha1", kind: "WasmPlugin", metadata } };
  }

  /** What was written since the last time, once all has come to rest. */
  async settle(afterMs = 0): Promise<string[]> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
    this.clock.advance(afterMs);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    return this.writes.splice(0);
  }
}

const pending = (acknowledged: number): PluginStatus =>
  pluginStatus(["True", "False", "False"], { matched: 9, acknowledged });
const good = pluginStatus(["True", "True", "False"]);
const refused = pluginStatus(["True", "False", "True"]);

test("a status is written where it changes, once that has been quiet, and five times a second at most", async () => {
  const cluster = new Cluster();
  for (let i = 0; i <= 9; i++) cluster.writer.update({ plugins: [pending(i)], problems: [] });
  expect(await cluster.settle(49)).toEqual([]);
  expect(await cluster.settle(1)).toEqual(["status 9/9/0"]);
  const writes: string[] = [];
  for (let i = 0; i < 50; i++) {
    cluster.writer.update({ plugins: [pending(i)], problems: [] });
    writes.push(...(await cluster.settle(40)));
  }
  expect(writes.length).toBeGreaterThan(5);
  expect(writes.length).toBeLessThanOrEqual(10);
  await cluster.settle(60_000);
  cluster.writer.update({ plugins: [pending(49)], problems: [] });
  expect(await cluster.settle(60_000)).toEqual([]);
});

test("after a restart, what the API server has already is not written again", async () => {
  const before = new Cluster();
  before.writer.update({ plugins: [good], problems: [] });
  await before.settle(50);
  const cluster = new Cluster();
  cluster.clock.advance(3_600_000);
  cluster.status = JSON.parse(JSON.stringify(before.status));
  cluster.writer.update({ plugins: [good], problems: [] });
  expect(await cluster.settle(60_000)).toEqual([]);
});

/** As many proxies as are connected run it. */
const on = (connected: number): PluginStatus =>
  pluginStatus(["True", connected > 0 ? "True" : "False", "False"], { matched: connected, acknowledged: connected });

/** A controller that starts anew beside a status that 3 proxies made. */
async function restarted(): Promise<Cluster> {
  const before = new Cluster();
  before.writer.update({ plugins: [on(3)], problems: [] });
  await before.settle(50);
  const cluster = new Cluster();
  cluster.status = JSON.parse(JSON.stringify(before.status));
  return cluster;
}

test("after a restart, proxies that are not back yet change no status", async () => {
  const cluster = await restarted();
  const writes: string[] = [];
  for (const connected of [0, 1, 2, 3]) {
    cluster.writer.update({ plugins: [on(connected)], problems: [] });
    writes.push(...(await cluster.settle(absenceMsMax / 4)));
  }
  writes.push(...(await cluster.settle(absenceMsMax)));
  expect(writes).toEqual([]);
});

test("a proxy that stays away is missed in the end, counted from when it left", async () => {
  const cluster = await restarted();
  for (const [connected, ms] of [
    [2, absenceMsMax - 1000],
    [3, 1000],
    [2, absenceMsMax - 1000],
  ] as const) {
    cluster.writer.update({ plugins: [on(connected)], problems: [] });
    expect(await cluster.settle(ms)).toEqual([]);
  }
  expect(await cluster.settle(1000)).toEqual(["status 2/2/0"]);
});

test.each<[string, Partial<PluginStatus>, string]>([
  ["is of a new generation", { generation: 2 }, "status 1/0/0"],
  ["is a refusal", { refused: 1 }, "status 1/0/1"],
  ["is an error", { conditions: pluginStatus(["False", "False", "False"]).conditions }, "status 1/0/0"],
])("while proxies are missed, what %s is told at once", async (_, part, written) => {
  const cluster = await restarted();
  cluster.writer.update({ plugins: [on(1)], problems: [] });
  expect(await cluster.settle(1000)).toEqual([]);
  cluster.writer.objects([cluster.raw("u1", part.generation ?? 1)]);
  cluster.writer.update({ plugins: [{ ...on(1), acknowledged: 0, ...part }], problems: [] });
  expect(await cluster.settle(200)).toEqual([written]);
});

test("a write that fails is tried again, with what is true by then", async () => {
  const cluster = new Cluster();
  cluster.fault = new KubeError("away", { code: 0, reason: "Unreachable" });
  cluster.writer.update({ plugins: [pending(1)], problems: [] });
  expect(await cluster.settle(50)).toEqual(["fault"]);
  cluster.writer.update({ plugins: [good], problems: [] });
  cluster.fault = undefined;
  expect(await cluster.settle(500)).toEqual(["status 1/1/0"]);
  expect(cluster.log.lines).toEqual(["warn: the status of WasmPlugin shop/p can't be written, tried again: away"]);
});

test("a plugin that was made anew gets a status of its own, and one that is gone gets none", async () => {
  const cluster = new Cluster();
  cluster.writer.update({ plugins: [good], problems: [] });
  await cluster.settle(200);
  cluster.status = undefined;
  cluster.writer.objects([cluster.raw("u2", 1)]);
  expect(await cluster.settle(60_000)).toEqual([]);
  cluster.writer.update({ plugins: [good], problems: [] });
  expect(await cluster.settle(200)).toEqual(["status 1/1/0"]);
  cluster.writer.objects([]);
  cluster.writer.update({ plugins: [pending(1)], problems: [] });
  expect(await cluster.settle(60_000)).toEqual([]);
});

test("a new generation is a new status", async () => {
  const cluster = new Cluster();
  cluster.writer.update({ plugins: [good], problems: [] });
  await cluster.settle(200);
  cluster.writer.objects([cluster.raw("u1", 2)]);
  cluster.writer.update({ plugins: [{ ...good, generation: 2 }], problems: [] });
  expect(await cluster.settle(200)).toEqual(["status 1/1/0"]);
});

test("objects of Istio's other kinds are told whether they are accepted, each where that changes", async () => {
  const cluster = new Cluster();
  const routes = (generation: number): RawObject => {
    const metadata = { namespace: "shop", name: "v", uid: "u2", generation };
    return { value: { apiVersion: "networking.istio.io/v1beta1", kind: "VirtualService", metadata } };
  };
  const problem = (severity: "error" | "warning", message: string): Problem => {
    const object = { kind: "VirtualService", namespace: "shop", name: "v" } as const;
    return { severity, code: "SLU0003", object, path: ["spec", "hosts"], message };
  };
  const service: RawObject = {
    value: { apiVersion: "v1", kind: "Service", metadata: { name: "s", namespace: "shop" } },
  };
  const about = "VirtualService shop/v: spec.hosts";
  for (const [generation, problems, written] of [
    [1, [], ["virtualservices v1beta1 Accepted=True "]],
    [1, [], []],
    [2, [], ["virtualservices v1beta1 Accepted=True "]],
    [2, [problem("warning", "a")], [`virtualservices v1beta1 Accepted=True ${about} a`]],
    [2, [problem("error", "b")], [`virtualservices v1beta1 Accepted=False ${about} b`]],
  ] as const) {
    cluster.writer.objects([routes(generation), service]);
    cluster.writer.update({ plugins: [], problems });
    expect(await cluster.settle(200)).toEqual(written);
  }
});

test("a refusal is one Event, whatever else changes; when it comes again, it is counted", async () => {
  const cluster = new Cluster();
  cluster.writer.update({ plugins: [refused], problems: [] });
  expect(await cluster.settle(200)).toEqual(["event Refused Refused!", "status 1/0/1"]);
  cluster.writer.update({ plugins: [{ ...refused, refused: 2, matched: 3 }], problems: [] });
  expect(await cluster.settle(60_000)).toEqual(["status 3/0/2"]);
  cluster.writer.update({ plugins: [good], problems: [] });
  await cluster.settle(60_000);
  cluster.writer.update({ plugins: [refused], problems: [] });
  expect(await cluster.settle(60_000)).toEqual(["event again: 2", "status 1/0/1"]);
  const other = { ...refused, refusal: { proxy: "web-2.shop", slot: "s", reason: "for another reason" } };
  cluster.writer.update({ plugins: [other], problems: [] });
  expect(await cluster.settle(60_000)).toEqual(["event Refused Refused!"]);
});
