// The module of a script: the probe with the script's program in it, exporting the callbacks that the script handles.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { callbacks } from "../../sdk/abi/callbacks.ts";
import { kept } from "../support/kept.ts";
import { callbackNames, compileProgram, type Handlers } from "./program.ts";
import { hostcalls } from "./shapes.ts";

/** Bytes that a program may have. */
const programBytesMax = 16_384;

/** Fills the place of the program in the compiled probe; none of its bytes is 0, or the compiler would not store it. */
const filler = "\u5050";

const core = join(import.meta.dirname, "assembly", "core.ts");
const flags = ["--outFile", "probe.wasm", "--runtime", "stub", "--exportStart", "_initialize", "--debug", "-O"].concat(
  "--use",
  "abort=",
);

/** @param roots handlers by root_id */
export async function probeModule(roots: ReadonlyMap<string, Handlers>): Promise<Uint8Array> {
  const probe = Buffer.from(await compiledProbe());
  const program = compileProgram(roots);
  if (program.length > programBytesMax) throw new Error(`the program has ${program.length} bytes, too many`);
  program.copy(probe, probe.indexOf(Buffer.from(filler.repeat(programBytesMax / 2), "utf16le")));
  const handled = new Set([...roots.values()].flatMap(Object.keys));
  for (const callback of callbackNames)
    if (!handled.has(callback.name) && callback.name !== "context_create") hideExport(probe, callback.export);
  return probe;
}

async function compiledProbe(): Promise<Uint8Array> {
  const sources = { "core.ts": await readFile(core, "utf8"), "module.ts": moduleSource() };
  return await kept("probe", [flags, ...Object.values(sources)].join("\0"), async () => {
    const asc = await import("assemblyscript/asc");
    let bytes: Uint8Array | undefined;
    const { error, stderr } = await asc.main(["module.ts", ...flags], {
      readFile: (name) => (name === "core.ts" || name === "module.ts" ? sources[name] : null),
      writeFile: (_, contents) => {
        if (typeof contents !== "string") bytes = contents;
      },
      listFiles: () => null,
    });
    if (error !== null || bytes === undefined) throw new Error(`the probe does not compile: ${stderr.toString()}`);
    return bytes;
  });
}

/** What the tables of sdk/abi say, as AssemblyScript: all hostcalls behind numbers, all callbacks before `run`. */
function moduleSource(): string {
  const declarations = hostcalls.map(({ module, import: name, params, hasResult }, i) => {
    const list = params.map((type, j) => `p${j}: ${type}`).join(", ");
    return `@external("${module}", "${name}") declare function h${i}(${list}): ${hasResult ? "i32" : "void"};`;
  });
  const cases = hostcalls.map(({ params, hasResult }, i) => {
    const list = params.map((type, j) => (type === "i64" ? `long(${j})` : `word(${j})`)).join(", ");
    return `    case ${i}: ${hasResult ? `return h${i}(${list});` : `h${i}(${list}); return 0;`}`;
  });
  const exports = callbackNames.map(({ export: name, name: shown }, i) => {
    const { params = [], results = [] } = callbacks("0.2.1").get(name) ?? {};
    const names = params.map((_, j) => `p${j}`);
    const list = [...names, ...new Array<string>(5 - params.length).fill("0")].join(", ");
    const result = /^(vm_start|configure|done|validate_configuration)$/.test(shown) ? 1 : 0;
    const before = shown === "context_create" ? "create(p0, p1); " : "";
    const body = `run(${i}, "${shown}", ${result}, ${params.length}, ${list});`;
    return `export function ${name}(${names.map((one) => `${one}: i32`).join(", ")}): ${results.length > 0 ? `i32 { return ${body}` : `void { ${before}${body}`} }`;
  });
  const number = (name: string) => hostcalls.findIndex((hostcall) => hostcall.import === name);
  return [
    `import { create, long, run, word } from "./core";`,
    `@global const LOG = ${number("proxy_log")};`,
    `@global const PROPERTY = ${number("proxy_get_property")};`,
    `export const slot = "${filler.repeat(programBytesMax / 2)}";`,
    ...declarations,
    `export function invoke(hostcall: i32): i32 {\n  switch (hostcall) {\n${cases.join("\n")}\n  }\n  return -1;\n}`,
    `export function proxy_abi_version_0_2_1(): void {}`,
    `export function malloc(size: usize): usize { return heap.alloc(size); }`,
    ...exports,
  ].join("\n");
}

/** Gives an export a name that nobody knows, in its place: `proxy_on_log` becomes `-roxy_on_log`. */
function hideExport(bytes: Buffer, name: string): void {
  const entry = Buffer.from(`${String.fromCharCode(name.length)}${name}\0`, "latin1"); // size, name, kind: function
  bytes.write("-", bytes.indexOf(entry) + 1);
}
