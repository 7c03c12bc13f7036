import { expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import type { RawObject } from "../model/raw-object.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import type { ResourceType } from "./api.ts";
import { KubeError } from "./kube-error.ts";
import { watchKubernetes } from "./source.ts";
import { event, object, Script } from "./test-support/script.ts";

/** The source against an API server with one script a kind. */
function started() {
  const scripts = new Map<string, Script>();
  const script = ({ plural }: Pick<ResourceType, "plural">): Script => {
    const known = scripts.get(plural) ?? new Script();
    scripts.set(plural, known);
    return known;
  };
  const batches: (readonly RawObject[])[] = [];
  const clock = new TestClock();
  const log = new TestLog();
  const source = watchKubernetes({
    client: {
      list: (type, _selection, { signal } = {}) => script(type).list(signal ?? new AbortController().signal),
      watch: (type, { resourceVersion }, signal) =>
        script(type).watch(resourceVersion, signal) as ReturnType<
          Parameters<typeof watchKubernetes>[0]["client"]["watch"]
        >,
    },
    kinds: [],
    onBatch: ({ objects }) => batches.push(objects),
    clock,
    random: () => 0,
    log,
  });
  return { clock, log, batches, source, script: (plural: string) => script({ plural }) };
}

const plurals = ["customresourcedefinitions", "namespaces", "services", "endpointslices", "pods"];

test("nothing is said before everything is known", async () => {
  const { script, batches, source } = started();
  let isSynced = false;
  void source.synced.then(() => {
    isSynced = true;
  });
  for (const plural of plurals) {
    expect([batches.length, isSynced]).toEqual([0, false]);
    (await script(plural).next("list")).answer(plural === "pods" ? [object("a")] : [], "1");
    await script(plural).next("watch 1");
  }
  await source.synced;
  expect(batches.map((objects) => objects.length)).toEqual([1]);
  source.close();
});

test("a thousand events in a second become two batches", async () => {
  const { clock, script, batches, source } = started();
  for (const plural of plurals) {
    (await script(plural).next("list")).answer([], "1");
    (await script(plural).next("watch 1")).accept();
  }
  await source.synced;
  for (let i = 0; i < 1000; i++) {
    script("services").send(event("ADDED", `s${i}`, String(i)));
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
    clock.advance(1);
  }
  clock.advance(500);
  expect(batches.map((objects) => objects.length)).toEqual([0, expect.any(Number), 1000]);
  source.close();
});

test("an API server that is away is one line in the log, and so is its return", async () => {
  const { clock, log, script, source } = started();
  const away = new KubeError("refused", { code: 0, reason: "Unreachable" });
  for (const plural of plurals) (await script(plural).next("list")).reject(away);
  await until(() => log.lines.length > 0, "a line");
  clock.advance(250);
  for (const plural of plurals) {
    (await script(plural).next("list")).answer([], "1");
    (await script(plural).next("watch 1")).accept();
  }
  await until(() => log.lines.length > 1, "the all-clear");
  expect(log.lines).toEqual([
    expect.stringMatching(/^warn: Kubernetes: \S+ can't be watched: refused; what is known stays in force$/),
    "info: Kubernetes: everything is watched again",
  ]);
  source.close();
});

test("what may not be listed is named, each kind of it", async () => {
  const { log, script, source } = started();
  for (const plural of ["pods", "services"])
    (await script(plural).next("list")).reject(new KubeError("no", { code: 403, reason: "Forbidden" }));
  await until(() => log.lines.length > 1, "two lines");
  expect(log.lines).toEqual([
    "warn: Kubernetes: pods can't be watched: no; what is known stays in force",
    "warn: Kubernetes: services can't be watched: no; what is known stays in force",
  ]);
  source.close();
});
