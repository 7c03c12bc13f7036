import { execFileSync } from "node:child_process";
import { cpus, loadavg, totalmem } from "node:os";
import { version } from "node:process";
import { locateEnvoy } from "../../setup/envoy.mjs";

/** Where and when figures were made; they say little without it. Load averages of one and five minutes. */
export function machine(root: string): string {
  const cores = cpus();
  const commit = execFileSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" }).trim();
  return [
    new Date().toISOString().slice(0, 10),
    `commit ${commit}`,
    `${cores[0]?.model ?? "unknown CPU"}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node ${version.slice(1)}, Envoy ${locateEnvoy().version}`,
    `load average ${loadavg()
      .slice(0, 2)
      .map((load) => load.toFixed(1))
      .join(" and ")}`,
  ].join("; ");
}
