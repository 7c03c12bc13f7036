#!/usr/bin/env node
// npm run asbuild [-- [--if-changed] [--watch] | --coverage] [name...]: compiles the filters in filters/ and examples/filters/ to build/<name>.wasm.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { argv, cwd, exit, stderr, stdout } from "node:process";
import { parseArgs } from "node:util";
import { coveragePath, type Filter, findFilters, modulePath } from "./filters.ts";
import { digestOf, isMadeFrom, noteMadeFrom } from "./made-from.ts";
import { watchFilters } from "./watch.ts";

const usage = `Usage: npm run asbuild -- [--if-changed] [--watch] [name...]
       npm run asbuild -- --coverage [name...]

Compiles the filters in filters/ and examples/filters/ to build/<name>.wasm, all of them where no name is given.

  --if-changed  skip a filter whose sources, SDK and flags are those of the module in build/
  --coverage    to build/coverage/<name>.wasm, with counters for vitest --coverage
  --watch       then compile again whatever is saved, until interrupted
`;

const root = cwd();

if (await main()) exit(1);

/** Whether anything failed. */
async function main(): Promise<boolean> {
  const options = parse();
  if (!options) return true;
  const { values, positionals: names } = options;
  if (values.help) {
    stdout.write(usage);
    return false;
  }
  if (values.coverage && (values.watch || values["if-changed"])) {
    stderr.write("--coverage builds once, whatever has changed; leave out --watch and --if-changed\n");
    return true;
  }
  const chosen = () => findFilters(root).filter(({ name }) => !names.length || names.includes(name));
  if (!findFilters(root).length) {
    stderr.write("there is no filter: filters/NAME/assembly/index.ts makes one\n");
    return true;
  }
  const missing = names.filter((name) => !chosen().some((filter) => filter.name === name));
  for (const name of missing) {
    stderr.write(
      `${name}: there is no such filter; there are ${findFilters(root)
        .map((filter) => filter.name)
        .join(", ")}\n`,
    );
  }
  let failed = missing.length > 0;
  for (const filter of chosen()) {
    const made = values.coverage ? await instrument(filter) : await make(filter, values["if-changed"]);
    failed = !made || failed;
  }
  if (values.watch) {
    watchFilters(root, chosen, async (filters) => {
      for (const filter of filters) await make(filter, true);
    });
    return false;
  }
  return failed;
}

function parse() {
  const options = {
    "if-changed": { type: "boolean" },
    watch: { type: "boolean" },
    coverage: { type: "boolean" },
    help: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ args: argv.slice(2), options, allowPositionals: true });
  } catch (error) {
    stderr.write(`${error instanceof Error ? error.message : error}\n${usage}`);
    return undefined;
  }
}

/** Builds one filter and says so. False if it failed; the last good module stays then. */
async function make(filter: Filter, ifChanged = false): Promise<boolean> {
  const digest = digestOf(root, filter);
  if (ifChanged && isMadeFrom(root, filter, digest)) return true;
  const start = performance.now();
  const { buildFilter, writeModule } = await import("./build-filter.ts"); // loads the compiler
  const build = await buildFilter(root, filter);
  if (build.messages) stderr.write(`${build.messages.trimEnd()}\n`);
  if (!build.ok) {
    stderr.write(`${filter.name}: not built\n`);
    return false;
  }
  const line = writeModule(root, modulePath(filter.name), build);
  rmSync(join(root, coveragePath(filter.name)), { force: true }); // of older sources
  noteMadeFrom(root, filter, digest);
  stdout.write(`${line}  ${Math.round(performance.now() - start)} ms\n`);
  return true;
}

/** Builds one filter with counters. False if it failed. */
async function instrument(filter: Filter): Promise<boolean> {
  const { buildFilter, writeModule } = await import("./build-filter.ts");
  const build = await buildFilter(root, filter, { coverage: true });
  if (build.messages) stderr.write(`${build.messages.trimEnd()}\n`);
  if (build.ok) stdout.write(`${writeModule(root, coveragePath(filter.name), build)}\n`);
  return build.ok;
}
