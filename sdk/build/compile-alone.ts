// AssemblyScript that knows no hostcalls, such as a filter's algorithm, compiled by itself and called from a test.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ASUtil, instantiate } from "@assemblyscript/loader";
import * as asc from "assemblyscript/asc";

/**
 * Compiles a source with all that it imports and instantiates it. What it exports can be called; strings and arrays go
 * in and out by the loader's `__newString`, `__getString` and so on. A failed assertion throws.
 *
 * @param root   directory from which packages are found
 * @param source path relative to root, with forward slashes
 * @throws Error with the compiler's messages if it does not compile
 */
export async function compileAlone<Exports extends Record<string, unknown>>(
  root: string,
  source: string,
): Promise<ASUtil & Exports> {
  const messages = asc.createMemoryStream();
  let bytes: Uint8Array | undefined;
  const { error } = await asc.main([source, "--baseDir", root, "--outFile", "alone.wasm", "--exportRuntime", "-O1"], {
    stdout: messages,
    stderr: messages,
    readFile: async (name, base) => {
      if (name === "asconfig.json") return null; // its flags are for modules that Envoy runs
      return readFile(resolve(base, name), "utf8").catch(() => null);
    },
    writeFile: (_, contents) => {
      if (typeof contents !== "string") bytes = contents;
    },
    listFiles: () => null,
  });
  if (error || !bytes) throw new Error(`${source}: ${messages}`);
  const { exports } = await instantiate<Exports>(bytes);
  return exports;
}
