// Each script runs on a real Envoy and on the host, and all that can be seen must be equal.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NotEmulated } from "../../sdk/host/index.ts";
import { differences, refusals } from "./differences.ts";
import { EnvoyRunner, type Run } from "./envoy.ts";
import { runOnHost } from "./host.ts";
import { callbackNames, stepsOf } from "./program.ts";
import type { NodeName, Observation, Script } from "./script.ts";
import { areas } from "./scripts/index.ts";
import { hostcalls } from "./shapes.ts";

const envoys: Partial<Record<NodeName, EnvoyRunner>> = {};
beforeAll(async () => {
  for (const node of ["sidecar", "gateway"] as const) envoys[node] = await EnvoyRunner.start(node);
});
afterAll(async () => {
  for (const envoy of Object.values(envoys)) await envoy.stop();
});

describe.each(Object.entries(areas))("%s", (_area, scripts) => {
  for (const script of scripts) test(script.title, () => compare(script));
});

async function compare(script: Script): Promise<void> {
  const { observation, addresses } = await runOnEnvoy(script);
  expect(silentSteps(script, observation), "steps that Envoy never came to").toEqual([]);
  const what = refusals[script.title];
  if (what !== undefined) {
    await expect(runOnHost(script, addresses)).rejects.toThrow(new NotEmulated(what));
    return;
  }
  const onHost = await runOnHost(script, addresses);
  if (differences[script.title] === undefined) expect(onHost, "the host, compared with Envoy").toEqual(observation);
  else expect(onHost, "it no longer differs: take it out of differences.ts").not.toEqual(observation);
}

async function runOnEnvoy(script: Script): Promise<Run> {
  const envoy = envoys[script.node ?? "sidecar"];
  if (envoy === undefined) throw new Error("Envoy has not started");
  return await envoy.run(script);
}

/** Steps that left no line on Envoy: a script that does not happen proves nothing. */
function silentSteps(script: Script, { bug, main, worker }: Observation): string[] {
  const lines = [...main, ...worker];
  const has = (start: string) => lines.some((line) => line.startsWith(`info ${start}`));
  return bug
    ? []
    : handlersOf(script).flatMap(([label, text]) => {
        if (script.never?.includes(label)) return has(`${label}(`) ? [`${label} came`] : [];
        if (text.trim() !== "" && !has(`${label}(`)) return [`${label} did not come`];
        const steps = stepsOf(text).filter((step) => !/^(return|hold|trap|if|show)/.test(step));
        return steps.map((step) => `${label}> ${step.replace(/^\w+ = /, "")} =`).filter((step) => !has(step));
      });
}

/** Handlers by the label under which they log. */
function handlersOf({
  on,
  upstream,
  logger,
  plugin,
  others = [],
  requests = [],
}: Script): [label: string, steps: string][] {
  const swaps = requests.map(({ swap }) => [swap?.plugin?.rootId ?? plugin?.rootId, swap?.on] as const);
  const all = [[plugin?.rootId, on], ["upstream", upstream], ["logger", logger], ...swaps] as const;
  return [...all, ...others.map((other) => [other.rootId, other.on] as const)].flatMap(([rootId, handlers = {}]) =>
    Object.entries(handlers).map(([callback, steps]): [string, string] => [
      `${rootId ? `${rootId}.` : ""}${callback}`,
      steps,
    ]),
  );
}

describe("of ABI 0.2.1", () => {
  const scripts = Object.values(areas).flat();
  const handlers = scripts.flatMap(handlersOf);

  test("every hostcall is called by a script", () => {
    const text = handlers.map(([, steps]) => steps).join("\n");
    expect(hostcalls.map(({ name }) => name).filter((name) => !new RegExp(`\\b${name}\\(`).test(text))).toEqual([]);
  });

  test("every callback is handled by a script", () => {
    const handled = new Set(handlers.map(([label]) => label.replace(/^.*\./, "")));
    const names = callbackNames.map(({ name }) => name).filter((name) => !neverComes.test(name));
    expect(names.filter((name) => !handled.has(name))).toEqual([]);
  });

  test("no two scripts have the same title, and every difference is a script's", () => {
    const titles = scripts.map(({ title }) => title);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
    expect(Object.keys(differences).filter((title) => !titles.includes(title))).toEqual([]);
  });
});

/** Callbacks that need a peer that sends HTTP/2 METADATA, a foreign function that calls back, or a stats sink. */
const neverComes = /^(foreign_function|request_metadata|response_metadata|envoy_on_stats)/;
