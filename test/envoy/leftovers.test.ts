import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isRunning } from "../../controller/run/leftovers.ts";
import { type Run, readRun } from "../../controller/run/state.ts";
import { type Call, call } from "../support/http.ts";
import { startMeshIn, type TestMesh } from "../support/mesh.ts";
import { until } from "../support/wait.ts";
import { gatewayTo, workload } from "../support/yaml.ts";

// What dies comes back, and nothing stays behind, with real Envoys: gateway and catalog.

const holder = createServer();
let base: string;
let runDir: string;
let mesh: TestMesh;
let gateway: Call;

beforeAll(async () => {
  // The gateway's usual port is taken: by this test, if by nobody else.
  await new Promise<void>((resolve) => {
    holder.once("error", () => resolve());
    holder.listen(30000, "127.0.0.1", resolve);
  });
  base = await mkdtemp(join(tmpdir(), "mesh-"));
  runDir = join(base, "run");
  await mkdir(join(base, "mesh"));
  await writeFile(join(base, "mesh", "catalog.yaml"), workload("catalog"));
  await writeFile(join(base, "mesh", "gateway.yaml"), gatewayTo("catalog"));
  await start();
});
afterAll(async () => {
  await mesh?.stop();
  await rm(base, { recursive: true, force: true });
  await new Promise((resolve) => holder.close(resolve));
});

async function start(): Promise<void> {
  mesh = await startMeshIn(join(base, "mesh"), { runDir });
  gateway = await mesh.gateway();
  await serving();
}

async function serving(): Promise<void> {
  await mesh.waitFor(async () => (await call(gateway)).status === 200, "traffic to flow");
}

/** Kills a process of the catalog's pod, and waits until another runs in its place. */
async function kill(which: "envoyPid" | "appPid"): Promise<void> {
  const killed = (await mesh.pod("catalog"))[which] ?? 0;
  process.kill(killed, "SIGKILL");
  await mesh.waitFor(async () => {
    const pid = (await mesh.pod("catalog"))[which];
    return pid !== undefined && pid !== killed;
  }, "another process in its place");
}

function lastRun(): Run {
  const run = readRun(runDir);
  if (!run) throw new Error("no run");
  return run;
}

test("the gateway takes a free port where 30000 is taken, and says so", async () => {
  const { port } = await mesh.gateway();
  expect(port).not.toBe(30000);
  expect(mesh.output()).toContain(`gateway     http://127.0.0.1:${port}\n`);
});

test("a killed Envoy comes back, and traffic flows again", async () => {
  await kill("envoyPid");
  await serving();
  expect(mesh.output()).toMatch(/catalog-\S+\.shop envoy: died \(SIGKILL\), restarted in /);
});

test("a killed application comes back, and traffic flows again", async () => {
  await kill("appPid");
  await serving();
});

test("a killed runner takes all with it, and the next start clears up", async () => {
  const { processes, pid } = lastRun();
  expect(processes.filter(isRunning)).toHaveLength(5); // runner, controller, two Envoys, the application
  process.kill(pid, "SIGKILL");
  await until(() => !processes.some(isRunning), "all processes to end");
  expect(existsSync(runDir)).toBe(true);
  await start();
  expect(lastRun().pid).toBe(mesh.pid);
});

test("Ctrl-C ends all, and nothing is left", async () => {
  const { processes } = lastRun();
  expect(processes.filter(isRunning)).toHaveLength(5);
  expect(await mesh.stop()).toBe(0);
  expect(processes.filter(isRunning)).toEqual([]);
  expect(existsSync(runDir)).toBe(false);
});
