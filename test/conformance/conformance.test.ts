// Each script runs on a real Envoy and on the host, and all that can be seen must be equal.
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { NotEmulated } from "../../sdk/host/index.ts";
import { differences } from "./differences.ts";
import { EnvoyRunner } from "./envoy.ts";
import { runOnHost } from "./host.ts";
import { stepsOf } from "./program.ts";
import type { Observation, Script } from "./script.ts";
import { areas } from "./scripts/index.ts";

let envoy: EnvoyRunner;
beforeAll(async () => {
  envoy = await EnvoyRunner.start();
});
afterAll(() => envoy?.stop());

describe.each(Object.entries(areas))("%s", (_area, scripts) => {
  for (const script of scripts) test(script.title, (context) => compare(script, context));
});

async function compare(script: Script, { skip }: TestContext): Promise<void> {
  const { observation, addresses } = await envoy.run(script);
  expect(silentSteps(script, observation), "steps that Envoy never came to").toEqual([]);
  const onHost = await runOnHost(script, addresses).catch((error: unknown) => {
    if (error instanceof NotEmulated) return skip(`not emulated yet: ${error.what}`);
    throw error;
  });
  if (differences[script.title] === undefined) expect(onHost, "the host, compared with Envoy").toEqual(observation);
  else expect(onHost, "it no longer differs: take it out of differences.ts").not.toEqual(observation);
}

/** Steps that left no line on Envoy: a script that does not happen proves nothing. */
function silentSteps({ on = {}, upstream = {} }: Script, { main, worker }: Observation): string[] {
  const logged = [...main, ...worker].join("\n");
  return [...Object.values(on), ...Object.values(upstream)]
    .flatMap(stepsOf)
    .filter((step) => !/^(return|trap|if|show)/.test(step))
    .map((step) => step.replace(/^\w+ = /, ""))
    .filter((step) => !logged.includes(step));
}
