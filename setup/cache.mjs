// The tool cache: large downloads and slow builds, shared by all clones on a machine.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { env, stderr } from "node:process";

/** Folder of the tool cache: `$SLUICE_CACHE`, else `$XDG_CACHE_HOME/sluice`, else `~/.cache/sluice`. */
export function cacheDir() {
  return env["SLUICE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "sluice");
}

/**
 * Path of the cache entry `key`, made by `make` if it is not there. `make` fills a scratch folder which then becomes
 * the entry in one rename, so that an interrupted or concurrent run never leaves half an entry behind.
 *
 * @param {string} key name, version and digest of what is cached; one path segment
 * @param {(dir: string) => void} make throws if it can't; nothing is cached then
 * @returns {string}
 */
export function cached(key, make) {
  const entry = join(cacheDir(), key);
  if (existsSync(entry)) return entry;
  mkdirSync(cacheDir(), { recursive: true });
  const scratch = mkdtempSync(join(cacheDir(), `.${key}-`));
  try {
    make(scratch);
    renameSync(scratch, entry);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(entry)) throw error; // another run may have finished the same entry first
  }
  return entry;
}

/** Tells the user one line of what set-up does, apart from what scripts print. @param {string} line */
export function say(line) {
  stderr.write(`sluice: ${line}\n`);
}
