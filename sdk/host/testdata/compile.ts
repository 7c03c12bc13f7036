// Compiles AssemblyScript for tests, against raw imports.
import { readFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

/** The module of a source text. `onAbort` must be exported in it if anything in it can abort. */
export async function compile(source: string): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const abort = source.includes("function onAbort") ? ["--use", "abort=module/onAbort"] : [];
  const flags = ["--outFile", "module.wasm", "--runtime", "stub", "--exportStart", "_initialize", "--debug", "-O"];
  const { error, stderr } = await asc.main(["module.ts", ...flags, ...abort], {
    readFile: (name) => (name === "module.ts" ? source : null),
    writeFile: (name, contents) => {
      files.set(name, typeof contents === "string" ? Buffer.from(contents) : contents);
    },
    listFiles: () => [],
  });
  const bytes = files.get("module.wasm");
  if (error !== null || bytes === undefined) throw new Error(`the test module does not compile: ${stderr.toString()}`);
  return bytes;
}

/** The module that does what its configuration says: see its source. */
export async function compilePuppet(): Promise<Uint8Array> {
  return await compile(await readFile(new URL("assembly/puppet.ts", import.meta.url), "utf8"));
}
