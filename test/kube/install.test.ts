// `sluice install` and its sisters against a real API server. There is no node: the test says in the pods' place that they
// are ready, and in the control plane's that the webhooks can be trusted.
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crds } from "../../controller/crd/definitions.ts";
import type { KubeObject } from "../../controller/kube/api.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";

const main = join(import.meta.dirname, "../../controller/main.ts");
const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const webhooks = "/apis/admissionregistration.k8s.io/v1";
const podsPath = "/api/v1/namespaces/istio-system/pods";
let cluster: Cluster;
let caBundle: string;

beforeAll(async () => {
  cluster = await startCluster();
  caBundle = JSON.parse(readFileSync(cluster.kubeconfig, "utf8")).clusters[0].cluster["certificate-authority-data"];
});

afterAll(() => cluster?.close());

interface Outcome {
  readonly code: number | null;
  readonly lines: readonly string[];
}

interface Running {
  /** Done again and again until the command ends. */
  readonly meanwhile?: () => Promise<unknown>;
  /** Default: the administrator's. */
  readonly kubeconfig?: string;
}

async function sluice(
  args: readonly string[],
  { meanwhile = async () => {}, kubeconfig = cluster.kubeconfig }: Running = {},
): Promise<Outcome> {
  const child = spawn(execPath, [main, ...args, "--kubeconfig", kubeconfig], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  let ended: number | null | undefined;
  child.once("close", (code) => {
    ended = code;
  });
  await cluster.waitFor(
    async () => {
      await meanwhile();
      return ended !== undefined;
    },
    () => `sluice ${args.join(" ")} to end; it said:\n${output}`,
  );
  return { code: ended ?? null, lines: output.trimEnd().split("\n") };
}

async function itemsOf(path: string): Promise<readonly KubeObject[]> {
  return (await cluster.api.get<{ items: KubeObject[] }>(path)).items;
}

interface Webhook {
  readonly clientConfig: { readonly caBundle?: string };
}

async function allIsWell(): Promise<void> {
  for (const kind of ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"])
    for (const configuration of await itemsOf(`${webhooks}/${kind}`)) {
      const hooks = configuration["webhooks"] as Webhook[];
      if (hooks.every(({ clientConfig }) => clientConfig.caBundle)) continue;
      const trusted = hooks.map((hook) => ({ ...hook, clientConfig: { ...hook.clientConfig, caBundle } }));
      await cluster.api.patch(`${webhooks}/${kind}/${configuration.metadata.name}`, { webhooks: trusted });
    }
  for (const pod of await itemsOf(podsPath))
    await setStatus(pod, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
}

async function setStatus(pod: KubeObject, status: object): Promise<void> {
  if (pod.metadata["deletionTimestamp"] === undefined)
    await cluster.api.patch(`${podsPath}/${pod.metadata.name}/status`, { status });
}

/** All that carries the installation's label, and the version of each. */
async function ours(): Promise<ReadonlyMap<string, string | undefined>> {
  const paths = [
    ...["namespaces", "services", "serviceaccounts", "configmaps", "secrets"].map((plural) => `/api/v1/${plural}`),
    ...["clusterroles", "clusterrolebindings", "roles", "rolebindings"].map(
      (plural) => `/apis/rbac.authorization.k8s.io/v1/${plural}`,
    ),
    ...["mutatingwebhookconfigurations", "validatingwebhookconfigurations"].map((plural) => `${webhooks}/${plural}`),
    ...[definitions, "/apis/apps/v1/deployments", "/apis/networking.k8s.io/v1/networkpolicies"],
  ];
  const lists = await Promise.all(
    paths.map(async (path) => {
      const items = await itemsOf(`${path}?labelSelector=install.sluice.dev/owner=sluice`);
      return items.map(({ metadata }) => [`${path} ${metadata.name}`, metadata.resourceVersion] as const);
    }),
  );
  return new Map(lists.flat());
}

const gatewayDefinition = "gateways.networking.istio.io";
let foreign: KubeObject;

describe("before", () => {
  test("nothing is in the way, and nothing is installed", async () => {
    expect(await sluice(["x", "precheck"])).toEqual({
      code: 0,
      lines: [
        "✔ No issues found when checking the cluster. Sluice is safe to install or upgrade!",
        "  To get started: sluice install --set profile=default -y",
      ],
    });
    const { code, lines } = await sluice(["verify-install"]);
    expect(code).toBe(1);
    expect(lines[0]).toBe("! No Sluice installation found");
  });

  test("what is in the way is named", async () => {
    await cluster.kubectl("create", "namespace", "shop");
    await cluster.kubectl("-n", "shop", "create", "service", "nodeport", "web", "--tcp=80", "--node-port=30000");
    await cluster.api.create(`${webhooks}/mutatingwebhookconfigurations`, {
      metadata: { name: "istio-sidecar-injector" },
    });
    const definition = crds().find(({ metadata }) => metadata.name === gatewayDefinition);
    foreign = await cluster.api.create(definitions, definition);
    expect(await sluice(["x", "precheck"])).toEqual({
      code: 1,
      lines: [
        "Error [SLU0501] (MutatingWebhookConfiguration istio-sidecar-injector) Istio is installed: pods in namespaces with the label istio-injection=enabled would get two proxies; remove it first",
        "Error [SLU0502] (Service shop/web) has node port 30000, which the ingress gateway needs; --set gatewayNodePort=<port> gives it another, --set profile=minimal installs without one",
        `Info [SLU0503] (CustomResourceDefinition ${gatewayDefinition}) is there already and is used as it is`,
        "Error: Issues found when checking the cluster. Sluice may not be safe to install or upgrade.",
      ],
    });
    await cluster.kubectl("-n", "shop", "delete", "service", "web");
    await cluster.kubectl("delete", "mutatingwebhookconfiguration", "istio-sidecar-injector");
  });

  test("one without rights is told what is missing; one who may write roles but has nothing to give, too", async () => {
    for (const name of ["eve", "clerk"]) await cluster.kubectl("-n", "shop", "create", "serviceaccount", name);
    const verbs = ["get", "list", "create", "patch", "delete"].map((verb) => `--verb=${verb}`);
    await cluster.kubectl(
      "create",
      "clusterrole",
      "clerk",
      ...verbs,
      "--resource=clusterroles.rbac.authorization.k8s.io",
    );
    await cluster.kubectl(
      "create",
      "clusterrolebinding",
      "clerk",
      "--clusterrole=clerk",
      "--serviceaccount=shop:clerk",
    );
    const eve = await sluice(["x", "precheck"], { kubeconfig: await kubeconfigOf("eve") });
    expect(eve.code).toBe(1);
    expect(eve.lines).toContain(
      "Error [IST0141] Missing required permission to get, list, create, patch, delete clusterroles.rbac.authorization.k8s.io",
    );
    expect(eve.lines).toContainEqual(
      expect.stringMatching(/^Error \[IST0141\] Not everything could be checked: .*eve/),
    );
    const clerk = await sluice(["x", "precheck"], { kubeconfig: await kubeconfigOf("clerk") });
    expect(clerk.lines.filter((line) => line.includes("clusterroles"))).toEqual([
      expect.stringMatching(/^Error \[IST0141\] \(ClusterRole sluice-istio-system\) Missing .*attempting to grant/),
    ]);
  });

  test("what users wrote for Istio, and would do nothing, is told", async () => {
    const definition = "authorizationpolicies.security.istio.io";
    const names = { plural: "authorizationpolicies", singular: "authorizationpolicy", kind: "AuthorizationPolicy" };
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    await cluster.api.create(definitions, {
      metadata: { name: definition },
      spec: {
        ...{ group: "security.istio.io", scope: "Namespaced", names },
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    });
    await cluster.kubectl("wait", "--for=condition=Established", `crd/${definition}`);
    await cluster.kubectl.apply(
      "{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {name: deny-all, namespace: shop}}",
    );
    const { code, lines } = await sluice(["x", "precheck"]);
    expect(code).toBe(0);
    expect(lines).toContain(
      "Warning [SLU0003] (AuthorizationPolicy) 1 object has no effect here: no request is denied by them, so what they protect is open",
    );
    await cluster.kubectl("delete", "customresourcedefinition", definition);
  });
});

/** Of a service account of namespace shop. */
async function kubeconfigOf(account: string): Promise<string> {
  const token = (await cluster.kubectl("-n", "shop", "create", "token", account)).trim();
  const config = JSON.parse(readFileSync(cluster.kubeconfig, "utf8"));
  const path = join(cluster.dir, `${account}.json`);
  writeFileSync(path, JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { token } }] }));
  return path;
}

describe("install", () => {
  test("says each component, and leaves what others installed as it is", async () => {
    expect(await sluice(["install", "--set", "profile=default", "-y"], { meanwhile: allIsWell })).toEqual({
      code: 0,
      lines: [
        `  Used as they are, since others installed them: ${gatewayDefinition}`,
        "✔ Sluice core installed",
        "✔ Control plane installed",
        "✔ Ingress gateways installed",
        "✔ Installation complete",
      ],
    });
    const now = await cluster.api.get<KubeObject>(`${definitions}/${gatewayDefinition}`);
    expect(now["spec"]).toEqual(foreign["spec"]);
    expect(now.metadata.labels).toBeUndefined();
  });

  test("a second time changes nothing", async () => {
    const before = await ours();
    expect((await sluice(["install", "-y"], { meanwhile: allIsWell })).code).toBe(0);
    expect(await ours()).toEqual(before);
  });

  test("verify-install checks each object", async () => {
    const { code, lines } = await sluice(["verify-install"]);
    expect(code).toBe(0);
    expect(lines).toContain("✔ Deployment: sluice.istio-system checked successfully");
    expect(lines).toContain("✔ Deployment: istio-ingressgateway.istio-system checked successfully");
    expect(lines).toContain("✔ CustomResourceDefinition: wasmplugins.extensions.istio.io checked successfully");
    expect(lines.slice(-3)).toEqual([
      `Checked ${crds().length} custom resource definitions`,
      "Checked 2 Sluice Deployments",
      "✔ Sluice is installed and verified successfully",
    ]);
  });

  test("a pod that does not start is told with the node's reason", async () => {
    const pullFails = async (): Promise<void> => {
      for (const pod of await itemsOf(`${podsPath}?labelSelector=app=sluice`)) {
        const { containers } = pod["spec"] as { containers: { name: string; image: string }[] };
        if (!containers[0]?.image.startsWith("nowhere/")) continue;
        const waiting = { reason: "ImagePullBackOff", message: "no such image" };
        const status = {
          name: "controller",
          image: "",
          imageID: "",
          ready: false,
          restartCount: 0,
          state: { waiting },
        };
        await setStatus(pod, { containerStatuses: [status] });
      }
    };
    const { code, lines } = await sluice(["install", "-y", "--set", "hub=nowhere", "--timeout", "3s"], {
      meanwhile: pullFails,
    });
    expect(code).toBe(1);
    expect(lines[2]).toMatch(
      /^✘ Control plane encountered an error: Deployment sluice\.istio-system: 0 of 1 pods are ready; pod sluice-\S+: container controller: ImagePullBackOff: no such image, after 3 s$/,
    );
    const verified = await sluice(["verify-install"]);
    expect(verified.code).toBe(1);
    expect(verified.lines.filter((line) => line.startsWith("✘"))).toEqual([
      expect.stringMatching(/^✘ Deployment: sluice\.istio-system: 0 of 1 pods are ready; pod sluice-/),
      expect.stringMatching(/^✘ Sluice is not all there: 1 of \d+ objects/),
    ]);
  });

  test("another profile removes what only the first one had", async () => {
    const { code, lines } = await sluice(["install", "-y", "--set", "profile=minimal"], { meanwhile: allIsWell });
    expect(code).toBe(0);
    expect(lines).toContain("  Removed Deployment istio-ingressgateway.istio-system");
    expect([...(await ours()).keys()].filter((name) => name.includes("ingressgateway"))).toEqual([]);
  });
});

describe("the control plane", () => {
  test.each`
    verb        | what                                                        | place                | may
    ${"watch"}  | ${"pods"}                                                   | ${"-A"}              | ${"yes"}
    ${"list"}   | ${"wasmplugins.extensions.istio.io"}                        | ${"-A"}              | ${"yes"}
    ${"patch"}  | ${"wasmplugins.extensions.istio.io/a --subresource=status"} | ${"-n=shop"}         | ${"yes"}
    ${"create"} | ${"tokenreviews.authentication.k8s.io"}                     | ${"-A"}              | ${"yes"}
    ${"patch"}  | ${"configmaps/istio-ca-root-cert"}                          | ${"-n=shop"}         | ${"yes"}
    ${"get"}    | ${"secrets/cacerts"}                                        | ${"-n=istio-system"} | ${"yes"}
    ${"get"}    | ${"secrets/istio-ca-secret"}                                | ${"-n=istio-system"} | ${"yes"}
    ${"patch"}  | ${"mutatingwebhookconfigurations/sluice-sidecar-injector"}  | ${"-A"}              | ${"yes"}
    ${"patch"}  | ${"mutatingwebhookconfigurations/another"}                  | ${"-A"}              | ${"no"}
    ${"patch"}  | ${"wasmplugins.extensions.istio.io/a"}                      | ${"-n=shop"}         | ${"no"}
    ${"patch"}  | ${"configmaps/another"}                                     | ${"-n=shop"}         | ${"no"}
    ${"get"}    | ${"configmaps/another"}                                     | ${"-n=shop"}         | ${"no"}
    ${"list"}   | ${"secrets"}                                                | ${"-n=istio-system"} | ${"no"}
    ${"get"}    | ${"secrets/istio-ca-secret"}                                | ${"-n=shop"}         | ${"no"}
    ${"patch"}  | ${"secrets/istio-ca-secret"}                                | ${"-n=istio-system"} | ${"no"}
    ${"create"} | ${"pods"}                                                   | ${"-n=istio-system"} | ${"no"}
    ${"delete"} | ${"secrets/istio-ca-secret"}                                | ${"-n=istio-system"} | ${"no"}
  `("may $verb $what $place: $may", async ({ verb, what, place, may }) => {
    const account = "--as=system:serviceaccount:istio-system:sluice";
    const { stdout } = await cluster.kubectl.attempt(["auth", "can-i", verb, ...what.split(" "), place, account]);
    expect(stdout.trim()).toBe(may);
  });
});

describe("uninstall", () => {
  test("keeps the definitions of users' objects, and what is in the namespace of others", async () => {
    await cluster.kubectl("delete", "validatingwebhookconfigurations", "--all"); // nobody serves it here
    await cluster.kubectl.apply(
      `{apiVersion: extensions.istio.io/v1alpha1, kind: WasmPlugin, metadata: {name: a, namespace: shop}, spec: {url: "builtin://deadline"}}`,
    );
    await cluster.kubectl.apply(
      `{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: default, namespace: istio-system}, spec: {mtls: {mode: STRICT}}}`,
    );
    await cluster.kubectl("-n", "istio-system", "create", "secret", "generic", "cacerts");
    for (const namespace of ["shop", "istio-system"])
      await cluster.api.create(`/api/v1/namespaces/${namespace}/configmaps?fieldManager=sluice`, {
        metadata: { name: "istio-ca-root-cert" },
        data: { "root-cert.pem": "" },
      });
    await cluster.api.create("/api/v1/namespaces/istio-system/secrets", {
      metadata: { name: "istio-ca-secret", labels: { app: "sluice" } },
    });
    const { code, lines } = await sluice(["uninstall", "-y"]);
    expect(code).toBe(0);
    const kept = "it has 1 object; --purge removes them too";
    expect(lines.filter((line) => line.includes("Kept"))).toEqual([
      `  Kept CustomResourceDefinition peerauthentications.security.istio.io: ${kept}`,
      `  Kept CustomResourceDefinition wasmplugins.extensions.istio.io: ${kept}`,
      "  Kept Namespace istio-system: it has Secret cacerts, PeerAuthentication default",
    ]);
    const { stdout } = await cluster.kubectl.attempt(["get", "peerauthentication", "-A", "-o", "name"]);
    expect(stdout.trim()).toBe("peerauthentication.security.istio.io/default");
    expect(lines).toContain("  Removed ConfigMap istio-ca-root-cert.shop");
    expect(lines).toContain("  Removed Secret istio-ca-secret.istio-system");
    expect(lines.at(-2)).toBe("✔ Uninstall complete");
    expect([...(await ours()).keys()]).toEqual([
      "/api/v1/namespaces istio-system",
      `${definitions} peerauthentications.security.istio.io`,
      `${definitions} wasmplugins.extensions.istio.io`,
    ]);
  });

  test("--purge leaves no trace", async () => {
    await cluster.kubectl("-n", "istio-system", "delete", "secret", "cacerts");
    const { code, lines } = await sluice(["uninstall", "--purge", "-y"]);
    expect(code).toBe(0);
    expect(lines.slice(0, 2)).toEqual([
      "! peerauthentications.security.istio.io: 1 object is deleted with the definition",
      "! wasmplugins.extensions.istio.io: 1 object is deleted with the definition",
    ]);
    expect(await ours()).toEqual(new Map());
    expect((await itemsOf(definitions)).map(({ metadata }) => metadata.name)).toEqual([gatewayDefinition]);
    expect((await itemsOf("/api/v1/namespaces")).map(({ metadata }) => metadata.name)).not.toContain("istio-system");
    expect((await sluice(["uninstall", "-y"])).lines).toEqual(["! No Sluice installation found"]);
  });
});
