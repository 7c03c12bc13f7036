// Runs AssemblyScript that knows no hostcalls - a filter's algorithm - in a test, without a filter around it.
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import * as loader from "@assemblyscript/loader";
import * as asc from "assemblyscript/asc";

const root = dirname(dirname(import.meta.dirname));

/** A compiled source: its exports, and the loader's `__newString`, `__getString`, `memory`, ... beside them. */
export type Assembly<Exports> = loader.ASUtil & Exports & { readonly memory: WebAssembly.Memory };

/**
 * Compiles one source with all that it imports, and instantiates it. 64-bit integers are bigints; pass strings with
 * `__newString`.
 *
 * @param source path from the root of the repository
 * @throws with the compiler's messages
 */
export async function loadAssembly<Exports extends Record<string, unknown>>(
  source: string,
): Promise<Assembly<Exports>> {
  const messages = asc.createMemoryStream();
  let bytes: Uint8Array<ArrayBuffer> | undefined;
  const flags = ["--config", "none", "--runtime", "minimal", "--exportRuntime", "--debug"];
  const { error } = await asc.main([source, "--baseDir", root, "--outFile", "algorithm.wasm", ...flags], {
    stdout: messages,
    stderr: messages,
    readFile: (name, base) => readFile(resolve(join(base, name)), "utf8").catch(() => null),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") bytes = new Uint8Array(contents);
    },
    listFiles: () => null,
  });
  if (error || bytes === undefined) throw new Error(`${source}: ${messages.toString() || error}`);
  const { exports } = await loader.instantiate<Exports>(bytes);
  if (exports.memory === undefined) throw new Error(`${source}: it exports no memory`);
  return { ...exports, memory: exports.memory };
}
