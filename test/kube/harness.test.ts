// What the other tests in this folder stand on: a real API server, and a node that runs pods as processes.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isRunning, markOf } from "../../controller/run/leftovers.ts";
import { call } from "../support/http.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import {
  app,
  apply,
  deployment,
  endpoints,
  fetchIn,
  pod,
  podReady,
  podValue,
  service,
  workloadImages,
} from "../support/kube/workloads.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({ images: workloadImages() });
});
afterAll(() => cluster?.close());

describe("a Deployment", () => {
  test("becomes pods that are called by name, by ClusterIP and from this machine by NodePort", async () => {
    const readinessProbe = { httpGet: { path: "/", port: "http" } };
    await apply(
      cluster,
      "web",
      deployment("echo", 2, { containers: [app({ readinessProbe })] }),
      service("echo", { nodePort: 30_000 }),
    );
    await apply(cluster, "client", pod("client", { containers: [app()] }));
    await cluster.waitFor(
      async () =>
        (await endpoints(cluster, { namespace: "web", name: "echo" })).filter(({ conditions }) => conditions.ready)
          .length === 2,
      "two ready endpoints",
    );
    await podReady(cluster, { namespace: "client", name: "client" });
    const ip = await cluster.kubectl("get", "service", "-n", "web", "echo", "-o", "jsonpath={.spec.clusterIP}");
    const { port } = await cluster.forwardNodePort(30_000);
    const seen = new Set<string>();
    await cluster.waitFor(async () => {
      seen.add(JSON.parse((await call({ host: "127.0.0.1", port })).body).pod);
      return seen.size === 2;
    }, "both pods to answer at the NodePort");
    const names = ["echo.web", "echo.web.svc.cluster.local", ip];
    for (const name of names)
      expect(seen).toContain(
        JSON.parse(await fetchIn(cluster, { namespace: "client", name: "client" }, `http://${name}/`)).pod,
      );
    const [first = ""] = seen;
    expect(seen).toContain(JSON.parse(await fetchIn(cluster, { namespace: "web", name: first }, "http://echo/")).pod);
  });

  test("whose pod calls itself by the ClusterIP is answered", async () => {
    await apply(cluster, "self", deployment("self", 1, { containers: [app()] }), service("self"));
    const [name] = await cluster.waitFor(async () => {
      const names = await cluster.kubectl("get", "pods", "-n", "self", "-o", "jsonpath={.items[*].metadata.name}");
      return names === "" ? undefined : names.split(" ");
    }, "the pod");
    const answer = await cluster.waitFor(
      () => fetchIn(cluster, { namespace: "self", name: name ?? "" }, "http://self/"),
      "an answer",
    );
    expect(JSON.parse(answer).pod).toBe(name);
  });

  test("a Service without endpoints refuses, and there is no way out", async () => {
    await apply(cluster, "nobody", service("none"), pod("client", { containers: [app()] }));
    await podReady(cluster, { namespace: "nobody", name: "client" });
    const connect = async (host: string): Promise<string> => {
      const program = `require("net").connect({ host: "${host}", port: 80 }).on("error", (e) => console.log(e.code))`;
      return cluster.kubectl("exec", "-n", "nobody", "client", "--", "node", "-e", program);
    };
    expect(await connect("none")).toBe("ECONNREFUSED\n");
    expect(await connect("1.1.1.1")).toMatch(/ENETUNREACH|EHOSTUNREACH/);
  });
});

describe("kubectl", () => {
  beforeAll(async () => {
    const loud = app({ command: ["sh", "-c", "echo first; sleep 0.2; echo second; exec sleep 1000"] });
    const crash = app({ command: ["sh", "-c", "echo try; exit 3"] });
    await apply(
      cluster,
      "cli",
      pod("app", { containers: [app()] }),
      pod("loud", { containers: [loud] }),
      pod("crash", { containers: [crash] }),
    );
    for (const name of ["app", "loud"]) await podReady(cluster, { namespace: "cli", name });
  });

  test("exec passes input, output and the exit code", async () => {
    const exec = (args: readonly string[], input: string) =>
      cluster.kubectl.attempt(["exec", "-i", "-n", "cli", "app", "--", ...args], input);
    expect(await exec(["sh", "-c", "cat; echo $POD_NAME >&2; exit 3"], "hello")).toMatchObject({
      code: 3,
      stdout: "hello",
      stderr: expect.stringContaining("app\n"),
    });
    expect((await exec(["sh", "-c", "kill -KILL 1; echo $$; cat /proc/1/cmdline"], "")).stdout).toMatch(
      /^\d{1,2}\nnode\0.*app\.ts/, // its own processes only, of which the first can't be killed from inside
    );
    expect((await exec(["no-such-program"], "")).stderr).toContain("executable file not found");
  });

  test("exec still works when a pod has ended in which commands ran", async () => {
    await apply(cluster, "ending", pod("app", { containers: [app()] }));
    await podReady(cluster, { namespace: "ending", name: "app" });
    const command = ["exec", "-n", "ending", "app", "--", "sh", "-c", "echo runs; exec sleep 1000"];
    const running = Array.from({ length: 8 }, () => cluster.kubectl.start(...command)); // on as many of its threads
    await Promise.all(running.map((one) => one.says(/^runs\n$/)));
    await cluster.kubectl("delete", "pod", "-n", "ending", "app", "--grace-period=1");
    await Promise.all(running.map((one) => one.stop()));
    expect(await cluster.kubectl("exec", "-n", "cli", "app", "--", "echo", "works")).toBe("works\n");
  });

  test("port-forward reaches the pod's loopback", async () => {
    const forward = cluster.kubectl.start("port-forward", "-n", "cli", "pod/app", ":8080");
    const [, port] = await forward.says(/Forwarding from 127\.0\.0\.1:(\d+)/);
    expect((await call({ host: "127.0.0.1", port: Number(port) })).status).toBe(200);
    await forward.stop();
  });

  test("logs shows what was written, follows it, and keeps the run before", async () => {
    const follow = cluster.kubectl.start("logs", "-f", "-n", "cli", "loud");
    await follow.says(/^first\nsecond\n$/);
    await follow.stop();
    expect(await cluster.kubectl("logs", "-n", "cli", "loud", "--tail=1")).toBe("second\n");
    await cluster.waitFor(
      async () =>
        Number(
          await podValue(cluster, { namespace: "cli", name: "crash" }, ".status.containerStatuses[0].restartCount"),
        ) >= 1,
      "a restart",
    );
    expect(
      await podValue(
        cluster,
        { namespace: "cli", name: "crash" },
        ".status.containerStatuses[0].lastState.terminated.exitCode",
      ),
    ).toBe("3");
    expect(await cluster.kubectl("logs", "-p", "-n", "cli", "crash")).toBe("try\n");
  });
});

describe("the API server", () => {
  test("restarts over its data, and pods run on", async () => {
    await apply(cluster, "restart", deployment("echo", 1, { containers: [app()] }), service("echo"));
    const isReady = async (count: number) =>
      cluster.waitFor(
        async () =>
          (await endpoints(cluster, { namespace: "restart", name: "echo" })).filter(
            ({ conditions }) => conditions.ready,
          ).length === count,
        `${count} endpoints`,
      );
    await isReady(1);
    const started = () =>
      cluster.kubectl("get", "pods", "-n", "restart", "-o", "jsonpath={.items[*].status.startTime}");
    const before = await started();
    await cluster.restartApiServer();
    expect(await started()).toBe(before);
    await cluster.kubectl("scale", "-n", "restart", "deployment/echo", "--replicas=2");
    await isReady(2);
    const paused = cluster.stopEtcd(1_000);
    await cluster.kubectl("scale", "-n", "restart", "deployment/echo", "--replicas=1");
    await paused;
    await isReady(1);
  });
});

test("a report names what of the control plane has ended, even the API server", async () => {
  await cluster.setApiServer(false);
  const report = await cluster.report();
  await cluster.setApiServer(true);
  expect(report).toMatch(/kube-apiserver has ended \(SIGKILL\):\n[\s\S]*pods can't be listed: /);
  expect(await cluster.report()).not.toContain("has ended");
});

describe("a test that is killed", () => {
  test("leaves nothing running, and the next cluster clears the rest away", async () => {
    const support = (file: string) => join(import.meta.dirname, "../support/kube", file);
    const program = `
      import { startCluster } from "${support("cluster.ts")}";
      import { workloadImages } from "${support("workloads.ts")}";
      const cluster = await startCluster({ images: workloadImages() });
      await cluster.kubectl.apply(${JSON.stringify(JSON.stringify(pod("left", { containers: [app()] })))});
      await cluster.waitFor(() => cluster.kubectl("wait", "pod/left", "--for=condition=Ready"), "the pod");
      console.log(cluster.dir);
      setInterval(() => {}, 1000);`;
    const child = spawn(execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (text) => {
      said += text;
    });
    await cluster.waitFor(() => said.endsWith("\n") || child.exitCode !== null, "the other cluster");
    const dir = dirname(said.trim());
    const podDir = join(dir, "pods", "default", "left");
    const pids = [readFileSync(join(podDir, "app.pid"), "utf8").trim(), ...childrenOf(child.pid)];
    const marks = pids.flatMap((pid) => markOf(Number(pid)) ?? []);
    expect(marks.length).toBeGreaterThanOrEqual(6); // etcd, apiserver, kcm, kubelet; the container, and who waits for it
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await startCluster()).close();
    expect(marks.filter(isRunning)).toEqual([]);
    expect(existsSync(podDir)).toBe(false);
  });
});

function childrenOf(pid = 0): readonly string[] {
  return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
    .trim()
    .split(/\s+/);
}
