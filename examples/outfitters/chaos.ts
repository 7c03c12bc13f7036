// Tells every catalog application of the running mesh to fail, or to stop failing.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { argv, cwd, env, stderr } from "node:process";
import { commandAt } from "../../controller/run/exec.ts";
import { type RunPod, readRun, runFolderOf } from "../../controller/run/state.ts";
import type { Blowup } from "./catalog/blowups.ts";

const usage = "usage: chaos.sh 500 [PERCENT=100|delete]\n       chaos.sh latency [MS=1000|delete]";

function blowupOf(type: string | undefined, amount = ""): Blowup | undefined {
  if ((type !== "500" && type !== "latency") || !/^(\d*|delete)$/.test(amount)) return undefined;
  if (amount === "delete") return { active: false, type };
  return { active: true, type, [type === "500" ? "percentage" : "latencyMs"]: Number(amount) || undefined };
}

/** Tells one application, from where it runs: so its proxy has no part in it, whatever that would demand. */
function tell(pod: RunPod, blowup: Blowup): string {
  const request = ["-H", "content-type: application/json", "-d", JSON.stringify(blowup)];
  const url = `http://127.0.0.1:${pod.appPort}/blowup`;
  const command = commandAt(pod, ["curl", "-sS", ...request, url], { cwd: cwd(), env });
  const [file = "", ...args] = command.argv;
  return execFileSync(file, args, { env: command.env, encoding: "utf8" });
}

function main(): number {
  const blowup = blowupOf(argv[2], argv[3]);
  if (!blowup) {
    stderr.write(`${usage}\n`);
    return 64;
  }
  const run = readRun(runFolderOf(join(import.meta.dirname, "mesh"), env));
  const catalogs = run?.pods.filter(({ name }) => name.includes("catalog")) ?? [];
  if (catalogs.length === 0) {
    stderr.write("no catalog runs: start the mesh with `npm start`, or set SLUICE_RUN_DIR to its state folder\n");
    return 1;
  }
  for (const catalog of catalogs) console.log(tell(catalog, blowup));
  return 0;
}

process.exitCode = main();
