// EDGE: the key of a run's tokens, in a file that only its owner can read.
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

const keyBytes = 32;

/**
 * The key in a file; makes the file where there is none.
 *
 * @throws where it can't be had, or holds something else
 */
export async function runTokenKey(file: string): Promise<Uint8Array> {
  try {
    await writeFile(file, randomBytes(keyBytes), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const key = await readFile(file);
  if (key.length === keyBytes) return key;
  throw new Error(`${file} has ${key.length} bytes: expected the ${keyBytes} of a token key; remove it`);
}
