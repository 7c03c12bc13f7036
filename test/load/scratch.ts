import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";

/** A temporary folder of this process's own: whatever is made in it on the way is gone at the end, however that comes. */
export function useScratch(): void {
  const scratch = mkdtempSync(join(tmpdir(), "measure-"));
  env["TMPDIR"] = scratch;
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true, maxRetries: 20 }));
}
