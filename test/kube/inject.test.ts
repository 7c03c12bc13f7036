// A real API server takes what injection makes of pods, with nothing that it doesn't know.
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { gatewayPodTemplate } from "../../controller/inject/gateway-template.ts";
import { injectPod } from "../../controller/inject/inject-pod.ts";
import { type Json, viewOf } from "../../controller/inject/pod.ts";
import { deployment } from "../../controller/install/control-plane.ts";
import { gateway } from "../../controller/install/gateway.ts";
import { defaultInstallSettings } from "../../controller/install/settings.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";

const surroundings = { settings: defaultSettings, images: { sluice: "sluice:test", envoy: "envoy:test" } };
const namespace = { name: "default", labels: { "istio-injection": "enabled" } };
const folder = join(import.meta.dirname, "../../controller/inject/testdata/inject");

/** The pods of the goldens, in a namespace that is there; without what no API server knows yet. */
const pods = globSync(`${folder}/*.out.yaml`).flatMap((file): (readonly [string, Json])[] => {
  const name = basename(file, ".out.yaml");
  const { pod } = parse(readFileSync(`${folder}/${name}.yaml`, "utf8"));
  const { namespace: _, ...metadata } = pod.metadata;
  const known = { apiVersion: "v1", kind: "Pod", metadata, spec: pod.spec };
  const injection = injectPod({ ...surroundings, namespace, pod: known });
  return injection.outcome === "injected" && name !== "unknown-fields" ? [[name, injection.pod]] : [];
});

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  const accounts = [
    ...pods.map(([, pod]) => viewOf(pod).spec["serviceAccountName"]),
    "istio-ingressgateway-service-account",
  ];
  for (const name of new Set(accounts)) {
    if (typeof name === "string") await cluster.kubectl("create", "serviceaccount", name);
  }
});
afterAll(() => cluster?.close());

async function create(pod: Json): Promise<Json> {
  const args = ["create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-"];
  const { stdout, stderr, code } = await cluster.kubectl.attempt(args, JSON.stringify(pod));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("the API server takes the injected pod", () => {
  test.each(pods)("%s", async (_name, pod) => {
    const proxyIn = (one: Json) => {
      const { containers, initContainers } = viewOf(one);
      return [...containers, ...initContainers].find(({ name }) => name === "istio-proxy");
    };
    expect(proxyIn(await create(pod))).toMatchObject({ args: proxyIn(pod)?.["args"] });
  });

  test("of the gateway", async () => {
    const { metadata, spec } = gatewayPodTemplate(surroundings);
    const pod = await create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { ...Object(metadata), name: "gateway" },
      spec,
    });
    expect(viewOf(pod).containers).toMatchObject([{ name: "istio-proxy", command: ["/usr/local/bin/envoy"] }]);
  });
});

describe("where Pod Security's level is restricted", () => {
  const restricted = "restricted";
  const securityContext = {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  };

  beforeAll(async () => {
    await cluster.kubectl("create", "namespace", restricted);
    await cluster.kubectl("label", "namespace", restricted, "pod-security.kubernetes.io/enforce=restricted");
    for (const account of ["default", "istio-ingressgateway-service-account"])
      await cluster.kubectl.attempt(["create", "serviceaccount", "-n", restricted, account]); // the first may be there
  });

  /** Whose own container is as the level wants it. */
  function injected(annotations: Json): Json {
    const spec = { containers: [{ name: "app", image: "app:1", securityContext }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "app", namespace: restricted, annotations }, spec };
    const injection = injectPod({ ...surroundings, namespace: { ...namespace, name: restricted }, pod });
    if (injection.outcome !== "injected") throw new Error(injection.outcome);
    return injection.pod;
  }

  test("the init container is refused, and no other", async () => {
    const { stderr } = await cluster.kubectl.attempt(["create", "-f", "-"], JSON.stringify(injected({})));
    const refusals = [
      'unrestricted capabilities (container "istio-init" must not include "NET_ADMIN", "NET_RAW" in securityContext.capabilities.add)',
      'runAsNonRoot != true (container "istio-init" must not set securityContext.runAsNonRoot=false)',
      'runAsUser=0 (container "istio-init" must not set runAsUser=0)',
    ];
    expect(stderr.trim().split(' violates PodSecurity "restricted:latest": ')[1]).toBe(refusals.join(", "));
  });

  test("a pod whose traffic is not redirected is taken", async () => {
    await create(injected({ "sidecar.istio.io/interceptionMode": "NONE" }));
  });

  test("the gateway and the control plane are taken", async () => {
    const settings = defaultInstallSettings("1.2.3");
    for (const { spec } of [...gateway(settings), deployment(settings)].filter(({ kind }) => kind === "Deployment")) {
      const { metadata, spec: podSpec } = Object(spec).template;
      const account = "istio-ingressgateway-service-account";
      await create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { ...metadata, name: "taken", namespace: restricted },
        spec: { ...podSpec, serviceAccountName: account },
      });
    }
  });
});

test("kubectl applies a patch to what it was made for, and gets the injected pod", async () => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "patched", labels: { "a/b": "c" } },
    spec: { containers: [{ name: "app", image: "app:1", livenessProbe: { httpGet: { path: "/", port: 80 } } }] },
  };
  const injection = injectPod({ ...surroundings, namespace, pod });
  if (injection.outcome !== "injected") throw new Error(injection.outcome);
  const patch = ["patch", "--local", "--type=json", "-o", "json", "-f", "-", "-p", JSON.stringify(injection.patch)];
  const { stdout, stderr } = await cluster.kubectl.attempt(patch, JSON.stringify(pod));
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toMatchObject(injection.pod);
});
