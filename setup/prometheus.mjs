// Which Prometheus the tests run: `$PROMETHEUS`, else `prometheus` on the PATH, else Debian's package, unpacked into the
// tool cache: nothing is installed and nothing started.

import { execFileSync } from "node:child_process";
import { accessSync, constants, readdirSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { cached, say } from "./cache.mjs";

/**
 * Path of Prometheus; fetched, once a machine, where there is none.
 *
 * @returns {string}
 * @throws {Error} with what to do, where there is none and apt-get can't fetch one
 */
export function locatePrometheus() {
  if (env["PROMETHEUS"]) return env["PROMETHEUS"];
  const onPath = (env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, "prometheus"));
  return onPath.find(isExecutable) ?? unpacked();
}

function unpacked() {
  try {
    const entry = cached("prometheus-debian", (dir) => {
      say("fetching Prometheus (19 MB, once a machine)");
      try {
        apt(dir, "download", "prometheus");
      } catch {
        apt(dir, "update", "-qq"); // a machine that never asked for the list of packages knows none
        apt(dir, "download", "prometheus");
      }
      const [file = ""] = readdirSync(dir);
      execFileSync("dpkg-deb", ["--extract", join(dir, file), dir]);
      rmSync(join(dir, file));
    });
    return join(entry, "usr", "bin", "prometheus");
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : error;
    throw new Error(`no Prometheus: install one, or name it in $PROMETHEUS; Debian's could not be fetched: ${reason}`);
  }
}

/** @param {string} cwd @param {readonly string[]} args */
function apt(cwd, ...args) {
  execFileSync("apt-get", args, { cwd, stdio: ["ignore", "ignore", "pipe"] });
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
