// Tells every catalog application of the running mesh to fail, or to stop failing.
import { join } from "node:path";
import { argv, env, stderr } from "node:process";
import { readRun, runFolderOf } from "../../controller/run/state.ts";
import type { Blowup } from "./catalog/blowups.ts";

const usage = "usage: chaos.sh 500 [PERCENT=100|delete]\n       chaos.sh latency [MS=1000|delete]";

function blowupOf(type: string | undefined, amount = ""): Blowup | undefined {
  if ((type !== "500" && type !== "latency") || !/^(\d*|delete)$/.test(amount)) return undefined;
  if (amount === "delete") return { active: false, type };
  return { active: true, type, [type === "500" ? "percentage" : "latencyMs"]: Number(amount) || undefined };
}

async function main(): Promise<number> {
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
  for (const { appPort } of catalogs) {
    const response = await fetch(`http://127.0.0.1:${appPort}/blowup`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(blowup),
    });
    console.log(await response.text());
  }
  return 0;
}

process.exitCode = await main();
