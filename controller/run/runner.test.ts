import { existsSync, globSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterEach, expect, test, vi } from "vitest";
import { until } from "../../test/support/wait.ts";
import type { AnyObject } from "../model/object.ts";
import { startTimeOf } from "./leftovers.ts";
import type { RunPod } from "./state.ts";
import { type TestRunner, testRunner, workload } from "./test-support/runner.ts";

vi.setConfig({ testTimeout: 60_000 }); // they start many processes, on a machine that may be busy

let tested: TestRunner | undefined;
afterEach(async () => {
  await tested?.runner.stop();
  tested?.remove();
  tested = undefined;
});

async function started(...objects: readonly AnyObject[]): Promise<TestRunner> {
  tested = testRunner(...objects);
  await tested.runner.start();
  return tested;
}

const service: AnyObject = {
  kind: "Service",
  meta: { name: "web", namespace: "shop", labels: {}, annotations: {} },
  spec: { ports: [], selector: { app: "web" } },
};

function pods(test: TestRunner, workload: string): readonly RunPod[] {
  return test.run().pods.filter((pod) => pod.workload === workload);
}

function readyObjects({ runFolder }: TestRunner): readonly string[] {
  const objects = join(runFolder, "objects");
  return readdirSync(objects).filter((name) => readFileSync(join(objects, name), "utf8").includes('status: "True"'));
}

async function allReady(test: TestRunner, count: number): Promise<void> {
  await until(
    () => readyObjects(test).length === count,
    () => `${count} ready pods; ${test.log.lines.join("\n")}`,
  );
}

test("starts a gateway, a controller and a pod for each replica, and leaves nothing behind", async () => {
  const test = await started(workload("web", { replicas: 2 }), service);
  await allReady(test, 3);
  const { xds, monitoringPort, dir, gateway, processes, services, pods: all } = test.run();
  expect(all.map(({ workload }) => workload)).toEqual(["istio-ingressgateway", "web", "web"]);
  expect(new Set(all.map(({ ip }) => ip)).size).toBe(3);
  expect(services).toMatchObject([
    { name: "istio-ingressgateway", namespace: "istio-system", selector: { app: "istio-ingressgateway" } },
    { name: "web", namespace: "shop", selector: { app: "web" } },
  ]);
  const objects = join(test.runFolder, "objects");
  const controller = `info: controller: controller --config ${dir} --config ${objects} --identity ${join(test.runFolder, "identity")} --xds-address 127.0.0.1 --xds-port ${xds.port} --monitoring-port ${monitoringPort}`;
  await until(() => test.log.lines.includes(controller), "the controller's line");
  for (const { appPort, name } of pods(test, "web"))
    expect(await (await fetch(`http://127.0.0.1:${appPort}/`)).text()).toBe(name);
  expect(test.log.lines).toContain(`info: gateway     http://127.0.0.1:${gateway.port}`);

  await test.runner.stop();
  expect(processes).toHaveLength(1 + 1 + 3 + 2); // runner, controller, Envoys, applications
  expect(processes.slice(1).filter(({ pid }) => startTimeOf(pid) !== undefined)).toEqual([]);
  expect(existsSync(test.runFolder)).toBe(false);
});

test("each pod has a token of its own, another one long before it ends, and none when it is gone", async () => {
  const test = await started(workload("web"));
  await allReady(test, 2);
  const tokens = (): readonly string[] =>
    globSync(join(test.runFolder, "pods/*/token")).map((file) => readFileSync(file, "utf8"));
  const before = tokens();
  const names = before.map((token) => decodeJwt(token).sub);
  expect(names.toSorted()).toEqual([
    "system:serviceaccount:istio-system:istio-ingressgateway-service-account",
    "system:serviceaccount:shop:web",
  ]);
  for (const file of globSync(join(test.runFolder, "{pods/*/token,identity/token-key}")))
    expect(statSync(file).mode & 0o777).toBe(0o600);
  await until(() => Math.floor(Date.now() / 1000) > (decodeJwt(before[0] ?? "").iat ?? 0), "the next second to begin");
  test.muchLater();
  await until(() => tokens().every((token) => !before.includes(token)), "other tokens");
  test.change();
  await until(() => tokens().length === 1, "the token of the pod to go");
});

test("a killed controller comes back, and nothing else is touched", async () => {
  const test = await started(workload("web"));
  await allReady(test, 2);
  const before = test.run();
  const controller = before.controllerPid ?? 0;
  process.kill(controller, "SIGKILL");
  const after = await until(() => {
    const run = test.run();
    return run.controllerPid !== undefined && run.controllerPid !== controller && run;
  }, "another controller");
  expect(after.pods).toEqual(before.pods);
  expect(test.log.lines.join("\n")).toMatch(/warn: controller: died \(SIGKILL\), restarted in 0\.[12] s/);
});

test("an application that dies says why, is not ready, and comes back at its address", async () => {
  const test = await started(workload("web"));
  await allReady(test, 2);
  const [before] = pods(test, "web");
  await fetch(`http://127.0.0.1:${before?.appPort}/crash`).catch(() => {});
  await until(() => test.log.lines.some((line) => line.endsWith("not ready")), "the pod to be unready");
  await allReady(test, 2);
  const [after] = pods(test, "web");
  expect(after).toEqual({ ...before, appPid: after?.appPid });
  expect(after?.appPid).not.toBe(before?.appPid);
  expect(test.log.lines.join("\n")).toMatch(
    /web: died \(exit code 3\), restarted in 0\.[12] s\nwarn: {3}\| first\nwarn: {3}\| last words/,
  );
});

test("another scale touches only what comes or goes", async () => {
  const test = await started(workload("web"), workload("other"));
  await allReady(test, 3);
  const before = test.run().pods;
  test.change(workload("web", { replicas: 2 }), workload("other"));
  await allReady(test, 4);
  expect(test.run().pods).toEqual([...before, expect.anything()]);
  test.change(workload("web"));
  await allReady(test, 2);
  expect(test.run().pods).toEqual(before.filter(({ workload }) => workload !== "other"));
});

test("another template replaces a pod, which stays until its successor is ready", async () => {
  const test = await started(workload("web"));
  await allReady(test, 2);
  const [before] = pods(test, "web");
  test.change(workload("web", { version: "v2" }));
  await until(() => pods(test, "web").length === 2, "both");
  const [after] = await until(() => pods(test, "web").length === 1 && pods(test, "web"), "the old one to leave");
  expect(after?.labels["version"]).toBe("v2");
  const lines = test.log.lines.filter((line) => line.includes("web-"));
  const at = (text: string): number => lines.findIndex((line) => line.includes(text));
  expect(at(`${before?.name}.shop: stopping`)).toBeGreaterThan(at(`${after?.name}.shop: ready`));
  await until(() => startTimeOf(before?.appPid ?? 0) === undefined, "the old application to end");
});

test("what is wrong with one Deployment is said once, and the others run", async () => {
  const broken = workload("broken");
  const [container] = broken.spec.template.containers;
  if (!container) throw new Error("no container");
  const template = { ...broken.spec.template, containers: [{ ...container, command: [] }] };
  const test = await started({ ...broken, spec: { ...broken.spec, template } }, workload("web"));
  await allReady(test, 2);
  expect(test.log.lines.filter((line) => line.includes("Deployment shop/broken"))).toHaveLength(1);
});

test("a second runner of the same folder is refused and disturbs nothing", async () => {
  const test = await started(workload("web"));
  await allReady(test, 2);
  const before = test.run();
  const second = test.again();
  await expect(second.start()).rejects.toThrow(`runs there already (pid ${process.pid}`);
  await second.stop();
  expect(test.run()).toEqual(before);
});
