import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { withCustomSection, withoutCustomSection } from "../../sdk/build/custom-sections.ts";
import { manifestSection } from "../../sdk/module/manifest.ts";
import { filterModule } from "../../test/support/filter-module.ts";
import { markModule, refusedModule } from "../../test/support/modules.ts";
import { Preflight } from "./preflight.ts";

const preflight = new Preflight();
afterAll(() => preflight.close());

async function tried(url: string, config: Readonly<Record<string, unknown>>) {
  return preflight.check({
    bytes: readFileSync(fileURLToPath(url)),
    type: "HTTP",
    pluginName: "",
    config: JSON.stringify(config),
  });
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

test.each`
  attach                       | type         | why
  ${["network"]}               | ${"HTTP"}    | ${"a network filter (createTcpContext), but spec.type is HTTP; write type: NETWORK"}
  ${["network", "access-log"]} | ${"HTTP"}    | ${"a network filter (createTcpContext) and an access logger (Plugin.onLog), but spec.type is HTTP; write type: NETWORK"}
  ${["downstream"]}            | ${"NETWORK"} | ${"an HTTP filter, but spec.type is NETWORK; write type: HTTP"}
  ${["access-log"]}            | ${"NETWORK"} | ${"an access logger (Plugin.onLog), which Sluice does not deliver; it delivers HTTP and network filters"}
`("a module for $attach is refused where $type is wanted", async ({ attach, type, why }) => {
  const { module, problems } = await preflight.check({ bytes: await declaring(attach), type, ...unconfigured });
  expect(module).toBeUndefined();
  expect(problems).toEqual([{ message: `the module is ${why}` }]);
});

test("a network filter passes, also one without a manifest; it is tried as one", async () => {
  const bytes = await filterModule("tcp-logger");
  const bare = withoutCustomSection(bytes, manifestSection);
  for (const module of [bytes, bare]) {
    const checked = await preflight.check({ bytes: module, type: "NETWORK", ...unconfigured });
    expect(checked.problems).toEqual([]);
    expect(checked.module?.attach).toEqual(["network"]);
  }
});

const unconfigured = { pluginName: "", config: "" };

/** A module whose manifest says that it is made for this. */
async function declaring(attach: readonly string[]): Promise<Uint8Array> {
  const manifest = { name: "other", version: "1.0.0", sdk: "0.1.0", abi: "0.2.1", attach, metrics: [] };
  const bare = withoutCustomSection(readFileSync(fileURLToPath(await markModule("a"))), manifestSection);
  return withCustomSection(bare, manifestSection, Buffer.from(JSON.stringify(manifest)));
}

test("a module that never returns costs its own check only", async () => {
  const url = await markModule("a");
  const [hangs, after] = await Promise.all([tried(url, { hang: true }), tried(url, {})]);
  expect(hangs.problems[0]?.message).toMatch(/^the module did not return from its start or on_configure within 2 s/);
  expect(after.module).toBeDefined();
});
