// Runs AssemblyScript that knows no hostcalls - a filter's algorithm - in a test, without a filter around it.
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as loader from "@assemblyscript/loader";
import { digestOf } from "../../sdk/build/made-from.ts";
import { kept } from "./kept.ts";

const root = dirname(dirname(import.meta.dirname));

const flags = ["--config", "none", "--runtime", "minimal", "--exportRuntime", "--debug"];

/** A compiled source: its exports, and the loader's `__newString`, `__getString`, `memory`, ... beside them. */
export type Assembly<Exports> = loader.ASUtil & Exports & { readonly memory: WebAssembly.Memory };

/**
 * Compiles one source with all that it imports, from its folder and the SDK, and instantiates it. 64-bit integers are
 * bigints; pass strings with `__newString`. A failed assertion throws.
 *
 * @param source path from the root of the repository
 * @throws with the compiler's messages
 */
export async function loadAssembly<Exports extends Record<string, unknown>>(
  source: string,
): Promise<Assembly<Exports>> {
  const madeFrom = `${digestOf(root, { folder: dirname(source) })} ${flags}`;
  const bytes = await kept(source.replaceAll(/[/.]/g, "-"), madeFrom, () => compile(source));
  const { exports } = await loader.instantiate<Exports>(bytes);
  if (exports.memory === undefined) throw new Error(`${source}: it exports no memory`);
  return { ...exports, memory: exports.memory };
}

async function compile(source: string): Promise<Uint8Array> {
  const { asc } = await import("../../sdk/build/compiler.ts");
  const messages = asc.createMemoryStream();
  let bytes: Uint8Array | undefined;
  const { error } = await asc.main([source, "--baseDir", root, "--outFile", "algorithm.wasm", ...flags], {
    stdout: messages,
    stderr: messages,
    readFile: (name, base) => readFile(resolve(join(base, name)), "utf8").catch(() => null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") bytes = contents;
    },
    listFiles: () => null,
  });
  if (error || bytes === undefined) throw new Error(`${source}: ${messages.toString() || error}`);
  return bytes;
}
