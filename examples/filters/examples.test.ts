// The READMEs of the examples: what they configure is what the modules take.
import { globSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { Host } from "../../sdk/host/index.ts";
import { filterModule } from "../../test/support/filter-module.ts";

const readmes = globSync("*/README.md", { cwd: import.meta.dirname });

interface Configured {
  readonly readme: string;
  readonly module: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The plugins of a README's code blocks. */
function configured(readme: string): Configured[] {
  const text = readFileSync(join(import.meta.dirname, readme), "utf8");
  const blocks = (language: string) => [...text.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, "gm"))];
  const plugins = blocks("yaml")
    .flatMap(([, yaml = ""]) => parseAllDocuments(yaml).map((document) => document.toJS()))
    .filter(({ kind }) => kind === "WasmPlugin")
    .map(({ spec }) => ({ readme, module: basename(spec.url, ".wasm"), config: spec.pluginConfig ?? {} }));
  const others = blocks("json").map(([, json = ""]) => {
    const { config } = JSON.parse(json).typed_config;
    const module = basename(config.vm_config.code.local.filename, ".wasm");
    return { readme, module, config: JSON.parse(config.configuration?.value ?? "{}") };
  });
  return [...plugins, ...others];
}

test("each example has a test, and a README with a configuration", () => {
  const folders = globSync("*/assembly", { cwd: import.meta.dirname }).map(dirname);
  const shown = new Set(readmes.flatMap(configured).map(({ module }) => module));
  expect([...shown].sort()).toEqual(folders.sort());
  const tests = globSync("*/*.test.ts", { cwd: import.meta.dirname }).map(dirname);
  expect(tests.sort()).toEqual(folders);
});

test.each(readmes.flatMap(configured))("$readme configures $module", async ({ module, config }) => {
  await Host.load(await filterModule(module), { config });
});
