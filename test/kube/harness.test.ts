// What the other tests in this folder stand on: a real API server, and a node that runs pods as processes.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/http.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { envoyImage, nodeImage } from "../support/kube/images.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster({
    images: { "test/app": nodeImage("test/support/app.ts"), "envoyproxy/envoy": envoyImage() },
  });
});
afterAll(() => cluster?.close());

/** A namespace of its own with these objects (the items of a List, as JSON). */
async function apply(namespace: string, ...items: readonly object[]): Promise<void> {
  await cluster.kubectl("create", "namespace", namespace);
  await cluster.kubectl.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: items.map(inNamespace) }));
  function inNamespace(item: object): object {
    return { ...item, metadata: { ...("metadata" in item ? (item.metadata as object) : {}), namespace } };
  }
}

const podName = { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };

function app(more: object = {}): object {
  const readinessProbe = "command" in more ? {} : { readinessProbe: { httpGet: { path: "/", port: "http" } } };
  const ports = [{ name: "http", containerPort: 8080 }];
  return { name: "app", image: "test/app:1", env: [podName], ports, ...readinessProbe, ...more };
}

function pod(name: string, spec: object): object {
  return { apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } }, spec };
}

function deployment(name: string, replicas: number, spec: object): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec };
  const apps = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name } };
  return { ...apps, spec: { replicas, selector: { matchLabels: labels }, template } };
}

function service(name: string, more: object = {}): object {
  const ports = [{ name: "http", port: 80, targetPort: "http", ...more }];
  const type = "nodePort" in more ? "NodePort" : "ClusterIP";
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { type, selector: { app: name }, ports } };
}

/** The body of a page, fetched in a pod. */
function fetchIn(namespace: string, name: string, url: string): Promise<string> {
  const program = `process.stdout.write(await (await fetch("${url}")).text())`;
  return cluster.kubectl("exec", "-n", namespace, name, "--", "node", "--input-type=module", "-e", program);
}

interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving?: boolean; readonly terminating?: boolean };
}

async function endpoints(namespace: string, name: string): Promise<readonly Endpoint[]> {
  const query = `labelSelector=kubernetes.io%2Fservice-name%3D${name}`;
  const { items } = await cluster.api.get<{ items: readonly { endpoints?: readonly Endpoint[] }[] }>(
    `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query}`,
  );
  return items.flatMap((slice) => slice.endpoints ?? []);
}

async function field(namespace: string, name: string, path: string): Promise<string> {
  return cluster.kubectl("get", "pod", "-n", namespace, name, "-o", `jsonpath={${path}}`);
}

function ready(namespace: string, ...names: readonly string[]): Promise<string> {
  return cluster.waitFor(
    () =>
      cluster.kubectl(
        "wait",
        "-n",
        namespace,
        ...names.map((one) => `pod/${one}`),
        "--for=condition=Ready",
        "--timeout=1s",
      ),
    `pods ${names.join(", ")} to be ready`,
  );
}

describe("a Deployment", () => {
  test("becomes pods that are called by name, by ClusterIP and from this machine by NodePort", async () => {
    const readinessProbe = { httpGet: { path: "/", port: "http" } };
    await apply(
      "web",
      deployment("echo", 2, { containers: [app({ readinessProbe })] }),
      service("echo", { nodePort: 30_000 }),
    );
    await apply("client", pod("client", { containers: [app()] }));
    await cluster.waitFor(
      async () => (await endpoints("web", "echo")).filter(({ conditions }) => conditions.ready).length === 2,
      "two ready endpoints",
    );
    await ready("client", "client");
    const ip = await cluster.kubectl("get", "service", "-n", "web", "echo", "-o", "jsonpath={.spec.clusterIP}");
    const { port } = await cluster.forwardNodePort(30_000);
    const seen = new Set<string>();
    await cluster.waitFor(async () => {
      seen.add(JSON.parse((await call({ host: "127.0.0.1", port })).body).pod);
      return seen.size === 2;
    }, "both pods to answer at the NodePort");
    const names = ["echo.web", "echo.web.svc.cluster.local", ip];
    for (const name of names)
      expect(seen).toContain(JSON.parse(await fetchIn("client", "client", `http://${name}/`)).pod);
    const [first = ""] = seen;
    expect(seen).toContain(JSON.parse(await fetchIn("web", first, "http://echo/")).pod);
  });

  test("whose pod calls itself by the ClusterIP is answered", async () => {
    await apply("self", deployment("self", 1, { containers: [app()] }), service("self"));
    const [name] = await cluster.waitFor(async () => {
      const names = await cluster.kubectl("get", "pods", "-n", "self", "-o", "jsonpath={.items[*].metadata.name}");
      return names === "" ? undefined : names.split(" ");
    }, "the pod");
    const answer = await cluster.waitFor(() => fetchIn("self", name ?? "", "http://self/"), "an answer");
    expect(JSON.parse(answer).pod).toBe(name);
  });

  test("a Service without endpoints refuses, and there is no way out", async () => {
    await apply("nobody", service("none"), pod("client", { containers: [app()] }));
    await ready("nobody", "client");
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
      "cli",
      pod("app", { containers: [app()] }),
      pod("loud", { containers: [loud] }),
      pod("crash", { containers: [crash] }),
    );
    await ready("cli", "app", "loud");
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
      async () => Number(await field("cli", "crash", ".status.containerStatuses[0].restartCount")) >= 1,
      "a restart",
    );
    expect(await field("cli", "crash", ".status.containerStatuses[0].lastState.terminated.exitCode")).toBe("3");
    expect(await cluster.kubectl("logs", "-p", "-n", "cli", "crash")).toBe("try\n");
  });
});

describe("a container", () => {
  test("comes after the init containers, which may change the pod's network", async () => {
    const rules = ["iptables -t nat -A OUTPUT -p tcp --dport 81 -j REDIRECT --to-ports 8080", "id -u"];
    const init = {
      name: "init",
      image: "test/app:1",
      command: ["sh", "-ec", rules.join("; ")],
      securityContext: { runAsUser: 0, capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] } },
    };
    const failing = { ...init, name: "once", command: ["sh", "-c", "mkdir /shared/seen || exit 0; exit 1"] };
    const volumes = [{ name: "shared", emptyDir: {} }];
    const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
    await apply(
      "init",
      pod("app", { initContainers: [{ ...failing, volumeMounts }, init], containers: [app()], volumes }),
    );
    await ready("init", "app");
    expect(await cluster.kubectl("logs", "-n", "init", "app", "-c", "init")).toBe("0\n");
    expect(await field("init", "app", ".status.initContainerStatuses[*].restartCount")).toBe("1 0");
    expect(JSON.parse(await fetchIn("init", "app", "http://127.0.0.1:81/")).pod).toBe("app");
  });

  test("has the user, the read-only root, the volumes and the arguments that its pod says", async () => {
    const script =
      "id -u; id -g; touch /x || echo read-only; touch /data/x && echo written; cat /etc/app/greeting; echo";
    const contents = "cat /etc/pod/labels /etc/pod/cpu; echo; echo $0 $1; exec sleep 1000";
    const container = app({
      command: ["sh", "-c", `${script}; ${contents}`],
      args: ["$(GREETING)", "$$(GREETING)-$(NONE)"],
      env: [
        { name: "WHO", value: "you" },
        { name: "GREETING", value: "hello-$(WHO)" },
      ],
      securityContext: { runAsUser: 1337, runAsGroup: 1338, readOnlyRootFilesystem: true },
      resources: { limits: { cpu: "2", memory: "64Mi" } },
      volumeMounts: [
        { name: "data", mountPath: "/data" },
        { name: "config", mountPath: "/etc/app" },
        { name: "info", mountPath: "/etc/pod" },
      ],
    });
    const info = [
      { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
      { path: "cpu", resourceFieldRef: { containerName: "app", resource: "limits.cpu" } },
    ];
    const volumes = [
      { name: "data", emptyDir: { medium: "Memory" } },
      { name: "config", configMap: { name: "settings" } },
      { name: "info", downwardAPI: { items: info } },
    ];
    await apply("root", pod("app", { containers: [container], volumes }));
    await cluster.kubectl("create", "configmap", "-n", "root", "settings", "--from-literal=greeting=moin");
    await ready("root", "app");
    const lines = ["1337", "1338", "read-only", "written", "moin", 'app="app"', "2", "hello-you $(GREETING)-$(NONE)"];
    await cluster.waitFor(
      async () => (await cluster.kubectl("logs", "-n", "root", "app")).includes("hello"),
      "the log",
    );
    const log = await cluster.kubectl("logs", "-n", "root", "app");
    for (const line of lines) expect(log).toContain(line);
    await cluster.kubectl("patch", "configmap", "-n", "root", "settings", "-p", '{"data":{"greeting":"servus"}}');
    await cluster.waitFor(
      async () => (await cluster.kubectl("exec", "-n", "root", "app", "--", "cat", "/etc/app/greeting")) === "servus",
      "the new value in the volume",
    );
  });

  test("has a token that the API server knows as its pod's", async () => {
    const sources = [{ serviceAccountToken: { path: "token", audience: "sluice", expirationSeconds: 600 } }];
    const volumes = [{ name: "token", projected: { sources } }];
    const volumeMounts = [{ name: "token", mountPath: "/var/run/secrets/tokens" }];
    await apply("token", pod("app", { containers: [app({ volumeMounts })], volumes }));
    await ready("token", "app");
    const token = await cluster.kubectl("exec", "-n", "token", "app", "--", "cat", "/var/run/secrets/tokens/token");
    const review = await cluster.api.create("/apis/authentication.k8s.io/v1/tokenreviews", {
      spec: { token, audiences: ["sluice"] },
    });
    expect(review).toMatchObject({
      status: {
        authenticated: true,
        user: {
          username: "system:serviceaccount:token:default",
          extra: { "authentication.kubernetes.io/pod-name": ["app"] },
        },
      },
    });
    const inCluster = `
      const { readFileSync } = await import("node:fs");
      const { request } = await import("node:https");
      const dir = "/var/run/secrets/kubernetes.io/serviceaccount";
      request({
        host: process.env.KUBERNETES_SERVICE_HOST,
        port: process.env.KUBERNETES_SERVICE_PORT,
        path: "/apis",
        ca: readFileSync(dir + "/ca.crt"),
        headers: { authorization: "Bearer " + readFileSync(dir + "/token") },
      }, (response) => { console.log(response.statusCode); response.resume(); }).end();`;
    expect(
      await cluster.kubectl("exec", "-n", "token", "app", "--", "node", "--input-type=module", "-e", inCluster),
    ).toBe("200\n");
  });
});

describe("a sidecar", () => {
  test("gets what the application sends, with the ClusterIP as its destination", async () => {
    const accessLog = {
      "@type": "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog",
      log_format: { text_format_source: { inline_string: "to %DOWNSTREAM_LOCAL_ADDRESS%\n" } },
    };
    const tcpProxy = {
      "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
      stat_prefix: "out",
      cluster: "original",
      access_log: [{ name: "stdout", typed_config: accessLog }],
    };
    const originalDst = "type.googleapis.com/envoy.extensions.filters.listener.original_dst.v3.OriginalDst";
    const bootstrap = {
      node: { id: "sidecar~$(POD_IP)", cluster: "test" },
      static_resources: {
        listeners: [
          {
            address: { socket_address: { address: "0.0.0.0", port_value: 15_001 } },
            listener_filters: [{ name: "original_dst", typed_config: { "@type": originalDst } }],
            filter_chains: [{ filters: [{ name: "tcp_proxy", typed_config: tcpProxy }] }],
          },
        ],
        clusters: [{ name: "original", type: "ORIGINAL_DST", lb_policy: "CLUSTER_PROVIDED" }],
      },
    };
    const redirect = [
      "iptables -t nat -A OUTPUT -p tcp -m owner --uid-owner 1337 -j RETURN",
      "iptables -t nat -A OUTPUT -p tcp ! -d 127.0.0.1/32 -j REDIRECT --to-ports 15001",
    ];
    const init = {
      name: "init",
      image: "test/app:1",
      command: ["sh", "-ec", redirect.join("; ")],
      securityContext: { runAsUser: 0, capabilities: { add: ["NET_ADMIN", "NET_RAW"] } },
    };
    const envoy = {
      name: "envoy",
      image: "envoyproxy/envoy:v1.40.0",
      args: ["--concurrency", "1", "--log-level", "info", "--config-yaml", JSON.stringify(bootstrap)],
      env: [{ name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
      securityContext: {
        runAsUser: 1337,
        runAsGroup: 1337,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      },
      readinessProbe: { tcpSocket: { port: 15_001 } },
    };
    await apply(
      "sidecar",
      deployment("echo", 1, { containers: [app()] }),
      service("echo"),
      pod("client", { initContainers: [init], containers: [app(), envoy] }),
    );
    await ready("sidecar", "client");
    const answer = await cluster.waitFor(() => fetchIn("sidecar", "client", "http://echo/"), "an answer");
    expect(JSON.parse(answer).pod).toMatch(/^echo-/);
    const ip = await cluster.kubectl("get", "service", "-n", "sidecar", "echo", "-o", "jsonpath={.spec.clusterIP}");
    const log = () => cluster.kubectl("logs", "-n", "sidecar", "client", "-c", "envoy");
    await cluster.waitFor(async () => (await log()).includes(`to ${ip}:80\n`), "the ClusterIP in Envoy's log");
  });
});

describe("probes", () => {
  test("make a pod ready and unready, and restart a container", async () => {
    const probe = { exec: { command: ["test", "-f", "/tmp/ready"] }, periodSeconds: 1, failureThreshold: 1 };
    const liveness = { exec: { command: ["test", "!", "-f", "/tmp/dead"] }, periodSeconds: 1, failureThreshold: 2 };
    const startup = { tcpSocket: { port: "http" }, periodSeconds: 1, failureThreshold: 60 };
    await apply(
      "probes",
      pod("app", { containers: [app({ readinessProbe: probe, livenessProbe: liveness, startupProbe: startup })] }),
      service("app"),
    );
    const exec = (...command: string[]) => cluster.kubectl("exec", "-n", "probes", "app", "--", ...command);
    const isReady = async (is: boolean) =>
      cluster.waitFor(async () => (await endpoints("probes", "app"))[0]?.conditions.ready === is, `ready to be ${is}`);
    await cluster.waitFor(
      async () => (await field("probes", "app", ".status.containerStatuses[0].started")) === "true",
      "the startup probe to succeed",
    );
    await isReady(false);
    await exec("touch", "/tmp/ready");
    await isReady(true);
    await exec("rm", "/tmp/ready");
    await isReady(false);
    expect(await field("probes", "app", ".status.containerStatuses[0].restartCount")).toBe("0");
    await exec("touch", "/tmp/dead");
    await cluster.waitFor(
      async () => (await field("probes", "app", ".status.containerStatuses[0].restartCount")) === "1",
      "the liveness probe to restart it",
    );
  });
});

describe("a pod that is deleted", () => {
  test("loses its endpoint first, serves through its preStop hook, and is gone", async () => {
    const lifecycle = { preStop: { sleep: { seconds: 2 } } };
    await apply("drain", pod("app", { containers: [app({ lifecycle })] }), service("app"));
    await cluster.waitFor(async () => (await endpoints("drain", "app"))[0]?.conditions.ready, "the endpoint");
    const ip = await field("drain", "app", ".status.podIP");
    await cluster.kubectl("delete", "pod", "-n", "drain", "app", "--wait=false");
    await cluster.waitFor(
      async () => (await endpoints("drain", "app"))[0]?.conditions.terminating === true,
      "the endpoint to be terminating",
    );
    expect((await endpoints("drain", "app"))[0]?.conditions).toMatchObject({ ready: false, serving: true });
    expect((await call({ host: ip, port: 8080 })).status).toBe(200);
    await cluster.waitFor(
      async () => (await cluster.kubectl("get", "pods", "-n", "drain", "-o", "name")) === "",
      "the pod to be gone",
    );
    await expect(call({ host: ip, port: 8080 })).rejects.toThrow();
  });
});

describe("the API server", () => {
  test("restarts over its data, and pods run on", async () => {
    await apply("restart", deployment("echo", 1, { containers: [app()] }), service("echo"));
    const isReady = async (count: number) =>
      cluster.waitFor(
        async () => (await endpoints("restart", "echo")).filter(({ conditions }) => conditions.ready).length === count,
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

describe("a test that is killed", () => {
  test("leaves nothing running, and the next cluster clears the rest away", async () => {
    const program = `
      import { startCluster } from "${join(import.meta.dirname, "../support/kube/cluster.ts")}";
      import { envoyImage, nodeImage } from "${join(import.meta.dirname, "../support/kube/images.ts")}";
      const cluster = await startCluster({ images: { "test/app": nodeImage("test/support/app.ts") } });
      await cluster.kubectl.apply(${JSON.stringify(JSON.stringify(pod("left", { containers: [app()] })))});
      await cluster.waitFor(() => cluster.kubectl("wait", "pod/left", "--for=condition=Ready"), "the pod");
      console.log(cluster.dir);
      setInterval(() => {}, 1000);`;
    const child = spawn(execPath, ["--input-type=module-typescript", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = await once(child.stdout, "data");
    const dir = join(String(said).trim(), "..");
    const slot = dir.replace(/^.*\/|\.d$/g, "");
    const namespaces = () => readdirSync("/run/netns").filter((one) => one === slot || one.startsWith(`${slot}-`));
    expect(namespaces().length).toBe(2);
    child.kill("SIGKILL");
    await once(child, "exit");
    const next = await startCluster();
    try {
      // the slot is the next cluster's, or nobody's
      const own = next.dir.startsWith(dir);
      expect(namespaces()).toEqual(own ? [slot] : []);
      expect(existsSync(join(dir, "pods", "default"))).toBe(false);
    } finally {
      await next.close();
    }
    expect(existsSync(dir)).toBe(false);
  });
});
