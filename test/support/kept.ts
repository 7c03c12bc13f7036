// Modules that tests compile, kept in build/test/ while what they are made from stays the same: to load the compiler and
// to compile takes each test file seconds of a processor.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compilerVersion } from "../../sdk/build/made-from.ts";

const root = dirname(dirname(import.meta.dirname));

/**
 * The file with a module, made now where it is not there yet.
 *
 * @param name     what its file's name begins with
 * @param madeFrom tells it from every other module of this name: its source, or the digest of its sources
 * @param make     compiles it
 */
export async function keptFile(name: string, madeFrom: string, make: () => Promise<Uint8Array>): Promise<string> {
  const digest = createHash("sha256").update(`${compilerVersion}\0${madeFrom}`).digest("hex").slice(0, 16);
  const file = join(root, "build", "test", `${name}-${digest}.wasm`);
  if (!existsSync(file)) {
    const bytes = await make();
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.${process.pid}`, bytes);
    await rename(`${file}.${process.pid}`, file);
  }
  return file;
}

/** The file of a module that is made already. */
export function storedFile(name: string, bytes: Uint8Array): Promise<string> {
  return keptFile(name, sha256(bytes), async () => bytes);
}

/** In hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The bytes of the module; see {@link keptFile}. */
export async function kept(...module: Parameters<typeof keptFile>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(await keptFile(...module)));
}
