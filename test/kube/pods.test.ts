// What a pod is on the node of the tests: its containers, volumes, probes and its end.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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
      cluster,
      "init",
      pod("app", { initContainers: [{ ...failing, volumeMounts }, init], containers: [app()], volumes }),
    );
    await podReady(cluster, { namespace: "init", name: "app" });
    expect(await cluster.kubectl("logs", "-n", "init", "app", "-c", "init")).toBe("0\n");
    expect(
      await podValue(cluster, { namespace: "init", name: "app" }, ".status.initContainerStatuses[*].restartCount"),
    ).toBe("1 0");
    expect(JSON.parse(await fetchIn(cluster, { namespace: "init", name: "app" }, "http://127.0.0.1:81/")).pod).toBe(
      "app",
    );
  });

  test("runs beside an init container that stays: it has started before, and ends after", async () => {
    const volumeMounts = [{ name: "shared", mountPath: "/shared" }];
    const run = (script: string) => ({ command: ["sh", "-c", script], volumeMounts });
    const waiting = "trap 'cat /shared/app; exit' TERM; touch /shared/started; while :; do sleep 0.1; done";
    const startupProbe = { exec: { command: ["cat", "/shared/started"] }, periodSeconds: 1 };
    const staying = app({ ...run(waiting), name: "staying", restartPolicy: "Always", startupProbe });
    const first = app({ ...run("cat /shared/started && echo first > /shared/first"), name: "first" });
    const main = app(run("cat /shared/first && echo last > /shared/app"));
    const volumes = [{ name: "shared", emptyDir: {} }];
    await apply(
      cluster,
      "staying",
      pod("app", { restartPolicy: "Never", initContainers: [staying, first], containers: [main], volumes }),
    );
    const name = { namespace: "staying", name: "app" };
    const exitCode = ".status.initContainerStatuses[0].state.terminated.exitCode";
    await cluster.waitFor(async () => (await podValue(cluster, name, exitCode)) === "0", "it to end");
    expect(await cluster.kubectl("logs", "-n", "staying", "app", "-c", "staying")).toBe("last\n");
    expect(await podValue(cluster, name, ".status.phase")).toBe("Succeeded");
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
    await apply(cluster, "root", pod("app", { containers: [container], volumes }));
    await cluster.kubectl("create", "configmap", "-n", "root", "settings", "--from-literal=greeting=moin");
    await podReady(cluster, { namespace: "root", name: "app" });
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
    await apply(cluster, "token", pod("app", { containers: [app({ volumeMounts })], volumes }));
    await podReady(cluster, { namespace: "token", name: "app" });
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
      args: [
        "--concurrency",
        "1",
        "--file-flush-interval-msec",
        "50",
        "--log-level",
        "info",
        "--config-yaml",
        JSON.stringify(bootstrap),
      ],
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
      cluster,
      "sidecar",
      deployment("echo", 1, { containers: [app()] }),
      service("echo"),
      pod("client", { initContainers: [init], containers: [app(), envoy] }),
    );
    await podReady(cluster, { namespace: "sidecar", name: "client" });
    const answer = await cluster.waitFor(
      () => fetchIn(cluster, { namespace: "sidecar", name: "client" }, "http://echo/"),
      "an answer",
    );
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
      cluster,
      "probes",
      pod("app", { containers: [app({ readinessProbe: probe, livenessProbe: liveness, startupProbe: startup })] }),
      service("app"),
    );
    const exec = (...command: string[]) => cluster.kubectl("exec", "-n", "probes", "app", "--", ...command);
    const isReady = async (is: boolean) =>
      cluster.waitFor(
        async () => (await endpoints(cluster, { namespace: "probes", name: "app" }))[0]?.conditions.ready === is,
        `ready to be ${is}`,
      );
    await cluster.waitFor(
      async () =>
        (await podValue(cluster, { namespace: "probes", name: "app" }, ".status.containerStatuses[0].started")) ===
        "true",
      "the startup probe to succeed",
    );
    await isReady(false);
    await exec("touch", "/tmp/ready");
    await isReady(true);
    await exec("rm", "/tmp/ready");
    await isReady(false);
    expect(
      await podValue(cluster, { namespace: "probes", name: "app" }, ".status.containerStatuses[0].restartCount"),
    ).toBe("0");
    await exec("touch", "/tmp/dead");
    await cluster.waitFor(
      async () =>
        (await podValue(cluster, { namespace: "probes", name: "app" }, ".status.containerStatuses[0].restartCount")) ===
        "1",
      "the liveness probe to restart it",
    );
  });
});

describe("a pod that is deleted", () => {
  test("loses its endpoint first, serves through its preStop hook, and is gone", async () => {
    const lifecycle = { preStop: { sleep: { seconds: 5 } } };
    await apply(cluster, "drain", pod("app", { containers: [app({ lifecycle })] }), service("app"));
    await cluster.waitFor(
      async () => (await endpoints(cluster, { namespace: "drain", name: "app" }))[0]?.conditions.ready,
      "the endpoint",
    );
    const ip = await podValue(cluster, { namespace: "drain", name: "app" }, ".status.podIP");
    await cluster.kubectl("delete", "pod", "-n", "drain", "app", "--wait=false");
    await cluster.waitFor(
      async () => (await endpoints(cluster, { namespace: "drain", name: "app" }))[0]?.conditions.terminating === true,
      "the endpoint to be terminating",
    );
    expect((await endpoints(cluster, { namespace: "drain", name: "app" }))[0]?.conditions).toMatchObject({
      ready: false,
      serving: true,
    });
    expect((await call({ host: ip, port: 8080 })).status).toBe(200);
    await cluster.waitFor(
      async () => (await cluster.kubectl("get", "pods", "-n", "drain", "-o", "name")) === "",
      "the pod to be gone",
    );
    await expect(call({ host: ip, port: 8080 })).rejects.toThrow();
  });
});
