import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { markModule, refusedModule } from "../../test/support/modules.ts";
import { Preflight } from "./preflight.ts";

const preflight = new Preflight();
afterAll(() => preflight.close());

async function tried(url: string, config: Readonly<Record<string, unknown>>) {
  return preflight.check({ bytes: readFileSync(fileURLToPath(url)), pluginName: "", config: JSON.stringify(config) });
}

test("a good module passes with what it may call and where it attaches", async () => {
  const { module, problems } = await tried(await markModule("a"), { mark: "1" });
  expect(problems).toEqual([]);
  expect(module?.attach).toEqual(["downstream"]);
  expect(module?.capabilities).toContain("proxy_on_request_headers");
  expect(module?.capabilities).toContain("proxy_set_shared_data");
});

test("every wrong field of a configuration is named", async () => {
  expect((await tried(await markModule("a"), { mark: 3, wat: 1 })).problems).toEqual([
    { field: ["mark"], message: "is 3: a text in quotes is expected" },
    { field: ["wat"], message: expect.stringMatching(/^is unknown; known are mark/) },
  ]);
});

test("a start section is refused", async () => {
  const [problem] = (await tried(await refusedModule("start section"), {})).problems;
  expect(problem?.message).toMatch(/^the module has a start section/);
});

test("a module that never returns costs its own check only", async () => {
  const url = await markModule("a");
  const [hangs, after] = await Promise.all([tried(url, { hang: true }), tried(url, {})]);
  expect(hangs.problems[0]?.message).toMatch(/^the module did not return from its start or on_configure within 2 s/);
  expect(after.module).toBeDefined();
});
