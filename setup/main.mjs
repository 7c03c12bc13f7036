// All set-up of a fresh clone, before `npm start`, `npm test` and `npm run check`. Runs on Node 20 without any
// dependency; each step does nothing where its result is already there.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, env, execPath, exit } from "node:process";
import { fileURLToPath } from "node:url";
import { say } from "./cache.mjs";
import { locateEnvoy } from "./envoy.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const node24 = join(root, "node_modules", ".bin", "node");

try {
  packages();
  const envoy = locateEnvoy();
  await types(envoy);
  if (!argv.includes("--no-filters")) filters();
} catch (error) {
  say(`${error instanceof Error ? error.message : error}`);
  exit(1);
}

/** `npm ci`, where package-lock.json changed since the last one. */
function packages() {
  const done = join(root, "node_modules", ".sluice-packages");
  const want = digest(readFileSync(join(root, "package-lock.json")));
  if (existsSync(done) && readFileSync(done, "utf8") === want) return;
  say("installing packages");
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
  });
  writeFileSync(done, want);
}

/** Envoy's API as code in controller/gen, where Envoy or the generator changed. @param {{path: string, version: string}} envoy */
async function types(envoy) {
  const out = join(root, "controller", "gen");
  const stamp = join(out, ".made-from");
  const want = `${envoy.path} ${envoy.version} ${digest(readFileSync(join(root, "setup", "descriptors.mjs")))}`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === want) return;
  say("generating Envoy's types");
  const { generate } = await import("./descriptors.mjs"); // after packages(): it imports one
  generate({
    envoy: envoy.path,
    plugin: join(root, "node_modules", "@bufbuild", "protoc-gen-es", "bin", "protoc-gen-es"),
    out,
  });
  writeFileSync(stamp, want);
}

/** What the mesh runs to build/, examples on demand; asbuild itself skips what has not changed. */
function filters() {
  const names = readdirSync(join(root, "filters"));
  const node = existsSync(node24) ? node24 : execPath;
  execFileSync(node, [join(root, "sdk", "build", "main.ts"), "--if-changed", ...names], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...env, PATH: `${dirname(node24)}:${env["PATH"]}` },
  });
}

/** @param {Buffer} bytes */
function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
