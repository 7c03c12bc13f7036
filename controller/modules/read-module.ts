// EDGE: reads module files, which whoever may write a WasmPlugin names.
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A module goes to proxies inside one message, of which 64 MiB are taken; something is left for the rest. */
const moduleBytesMax = 60 << 20;

/** File of a filter that comes with Sluice. */
export function builtinFile(name: string): string {
  return join(dirname(dirname(import.meta.dirname)), "build", `${name}.wasm`);
}

/**
 * The bytes of a file. A device or pipe, which may have no end, is not read, nor what is larger than 60 MiB.
 *
 * @throws the file system's error, or a sentence
 */
export async function readModule(file: string): Promise<Uint8Array> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK); // else a pipe would be waited for
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) throw new Error("it is no regular file");
    if (stats.size > moduleBytesMax) {
      throw new Error(`it has ${stats.size} bytes: a module may have ${moduleBytesMax} at most`);
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}
