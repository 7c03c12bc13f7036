// What the controller keeps in the cluster so that proxies and the API server believe it, and whom it believes itself.
import { afterAll, beforeAll, expect, test } from "vitest";
import { CaBundle } from "../../controller/kube/ca-bundle.ts";
import { connect, type KubeClient } from "../../controller/kube/client.ts";
import { RootConfigMaps } from "../../controller/kube/root-config-maps.ts";
import { SecretRootStore } from "../../controller/kube/secret-root-store.ts";
import { watchKubernetes } from "../../controller/kube/source.ts";
import { tokenReview } from "../../controller/kube/token-review.ts";
import { PrivateKey } from "../../controller/model/certificate.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { TestLog } from "../../controller/ports/log.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { until } from "../support/wait.ts";

let cluster: Cluster;
let client: KubeClient;
const log = new TestLog();
const common = { clock: realClock, random: Math.random, log };

beforeAll(async () => {
  cluster = await startCluster();
  client = connect({ kubeconfig: cluster.kubeconfig });
  await cluster.api.create("/api/v1/namespaces", { metadata: { name: "istio-system" } });
});

afterAll(() => cluster?.close());

test("a root is made once, whoever comes first, and an operator's comes before it, which is then the former one", async () => {
  const stores = [1, 2, 3].map(() => new SecretRootStore({ client, namespace: "istio-system" }));
  expect(await stores[0]?.load()).toBeUndefined();
  const made = await Promise.all(
    stores.map((store, i) => store.save({ caCert: `cert ${i}`, caKey: new PrivateKey(`key ${i}`) })),
  );
  expect(new Set(made.map(({ caCert, caKey }) => `${caCert} ${caKey.reveal()}`)).size).toBe(1);
  const kept = await stores[1]?.load();
  expect([kept?.origin, kept?.caCert]).toEqual(["Secret istio-system/istio-ca-secret", made[0]?.caCert]);
  const stringData = { "ca-cert.pem": "theirs", "ca-key.pem": "k", "root-cert.pem": "r", "cert-chain.pem": "c" };
  await cluster.api.create("/api/v1/namespaces/istio-system/secrets", { metadata: { name: "cacerts" }, stringData });
  const brought = await stores[2]?.load();
  expect([brought?.origin, brought?.caCert, brought?.rootCert, brought?.certChain]).toEqual([
    "Secret istio-system/cacerts",
    "theirs",
    "r",
    "c",
  ]);
  expect(brought?.former).toEqual(kept); // what running proxies know
});

interface Token {
  readonly status: { readonly token: string };
}

test("tokens: a pod's is known, another audience's is not, and neither is a made-up one", async () => {
  const pod = await cluster.api.create<{ readonly metadata: { readonly uid: string } }>(
    "/api/v1/namespaces/default/pods",
    {
      metadata: { name: "web" },
      spec: { nodeName: "elsewhere", containers: [{ name: "a", image: "a" }] },
    },
  );
  const { uid } = pod.metadata;
  const tokenFor = async (audience: string, bound = true): Promise<string> => {
    const boundObjectRef = bound ? { kind: "Pod", apiVersion: "v1", name: "web", uid } : undefined;
    const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const spec = { audiences: [audience], boundObjectRef, expirationSeconds: 3600 };
    return (await cluster.api.create<Token>(path, { spec })).status.token;
  };
  const authenticate = tokenReview(client);
  const known = await authenticate(await tokenFor("istio-ca"));
  if (!("caller" in known)) throw new Error(known.message);
  expect(known.caller).toMatchObject({ namespace: "default", serviceAccount: "default", pod: { name: "web", uid } });
  expect(Math.abs(known.caller.expiresAtMs - Date.now() - 3_600_000)).toBeLessThan(120_000);
  expect(await authenticate(await tokenFor("istio-ca", false))).not.toHaveProperty("caller.pod");
  for (const token of [await tokenFor("sluice"), "x.y.z", ""]) {
    const refused = await authenticate(token);
    expect(refused).toMatchObject({ code: "UNAUTHENTICATED" });
    if (token !== "") expect(JSON.stringify(refused)).not.toContain(token);
  }
});

async function rootOf(namespace: string): Promise<string | undefined> {
  const map = await client.get({
    group: "",
    version: "v1",
    plural: "configmaps",
    namespace,
    name: "istio-ca-root-cert",
  });
  return (map?.["data"] as { readonly [key: string]: string } | undefined)?.["root-cert.pem"];
}

test("every namespace has the roots: a new one, one where they were removed or changed, and after a change of roots", async () => {
  let roots = "one";
  const maps: { kept?: RootConfigMaps } = {};
  const source = watchKubernetes({
    client,
    kinds: [],
    onBatch: () => {},
    onNamespaces: () => maps.kept?.check(),
    ...common,
  });
  const kept = new RootConfigMaps({
    client,
    namespaces: () => source.namespaces.keys(),
    roots: () => roots,
    ...common,
  });
  maps.kept = kept;
  const have = (namespace: string, text: string): Promise<unknown> =>
    until(async () => (await rootOf(namespace)) === text, `"${text}" in ${namespace}; ${log.lines.join("; ")}`);
  const path = "/api/v1/namespaces/default/configmaps/istio-ca-root-cert";
  await have("kube-system", "one");
  await cluster.api.create("/api/v1/namespaces", { metadata: { name: "new" } });
  await have("new", "one");
  await cluster.api.patch(path, { data: { "root-cert.pem": "bad" } });
  await have("default", "one");
  await cluster.api.delete(path);
  await have("default", "one");
  roots = "two";
  kept.check();
  await have("default", "two");
  await have("new", "two");
  kept.close();
  source.close();
  expect(log.lines).toEqual([]);
});

test("the webhooks' configurations have the roots, also after someone took them out", async () => {
  const path = "/apis/admissionregistration.k8s.io/v1";
  const client1 = { service: { name: "sluice", namespace: "istio-system", path: "/inject" } };
  const rules = [{ apiGroups: ["sluice.test"], apiVersions: ["*"], operations: ["CREATE"], resources: ["none"] }];
  const hook = (name: string) => ({
    name: `${name}.sluice.dev`,
    clientConfig: client1,
    rules,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
  });
  const body = { metadata: { name: "in" }, webhooks: [hook("a"), hook("b")] };
  await cluster.api.create(`${path}/mutatingwebhookconfigurations`, body);
  let roots = "one";
  const bundle = new CaBundle({ client, injector: "in", validator: "val", roots: () => roots, ...common });
  const have = (kind: string, name: string, ...texts: readonly string[]): Promise<unknown> =>
    until(
      async () => {
        const { webhooks } = await cluster.api.get<{ webhooks: { clientConfig: { caBundle?: string } }[] }>(
          `${path}/${kind}webhookconfigurations/${name}`,
        );
        const now = webhooks.map(({ clientConfig }) => Buffer.from(clientConfig.caBundle ?? "", "base64").toString());
        return now.join() === texts.join();
      },
      `${texts.join()} in ${name}; ${log.lines.join("; ")}`,
    );
  await have("mutating", "in", "one", "one");
  await cluster.api.create(`${path}/validatingwebhookconfigurations`, {
    metadata: { name: "val" },
    webhooks: [hook("c")],
  });
  await have("validating", "val", "one");
  await cluster.api.patch(`${path}/mutatingwebhookconfigurations/in`, { webhooks: [hook("b")] });
  await have("mutating", "in", "one");
  roots = "two";
  bundle.check();
  await have("mutating", "in", "two");
  await have("validating", "val", "two");
  bundle.close();
  expect(log.lines).toEqual([]);
});
