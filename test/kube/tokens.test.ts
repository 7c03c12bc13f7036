// Who is let in at the port for proxies, by the tokens that a real API server makes and looks at.
import { createSign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { nodeId } from "../../controller/model/names.ts";
import { typeUrls } from "../../controller/model/resource.ts";
import { TestClient } from "../../controller/xds/test-support/client.ts";
import { deliveries, since } from "../support/kube/deliveries.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";
import { service } from "../support/kube/workloads.ts";
import { until } from "../support/wait.ts";

const audience = "istio-ca";
let mesh: KubeMesh;
let roots: string;
let controllerIp: string;
let webapp: ShopPod;
let catalog: ShopPod;

interface ShopPod {
  readonly name: string;
  readonly uid: string;
  readonly ip: string;
  readonly serviceAccount: string;
}

beforeAll(async () => {
  mesh = await startKubeMesh();
  [webapp, catalog] = [await podOf("webapp"), await podOf("catalog")];
  controllerIp = await mesh.kubectl("get", "pod", "-n", "istio-system", "-l", "app=sluice", "-o", "jsonpath={..podIP}");
  const path = `/api/v1/namespaces/${shopNamespace}/configmaps/istio-ca-root-cert`;
  const { data } = await mesh.api.get<{ readonly data: Readonly<Record<string, string>> }>(path);
  roots = data["root-cert.pem"] ?? "";
});
afterAll(() => mesh?.close());

async function podOf(app: string): Promise<ShopPod> {
  const path = `/api/v1/namespaces/${shopNamespace}/pods?labelSelector=app%3D${app}`;
  const { metadata, spec, status } = (await mesh.api.get<{ readonly items: readonly V1Pod[] }>(path)).items[0] ?? {};
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    ip: status?.podIP ?? "",
    serviceAccount: spec?.serviceAccountName ?? "",
  };
}

/** As the kubelet asks for one. */
async function tokenOf({ name, uid, serviceAccount }: ShopPod, forWhom = audience): Promise<string> {
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name, uid };
  const path = `/api/v1/namespaces/${shopNamespace}/serviceaccounts/${serviceAccount}/token`;
  const spec = { audiences: [forWhom], boundObjectRef, expirationSeconds: 3600 };
  return (await mesh.api.create<{ readonly status: { readonly token: string } }>(path, { spec })).status.token;
}

/** The same token an hour after its end, signed with the API server's key. */
async function expired(token: string): Promise<string> {
  const [head = "", body = ""] = token.split(".");
  const claims = JSON.parse(Buffer.from(body, "base64url").toString()) as Readonly<Record<string, number>>;
  const shift = 7200;
  const times = Object.fromEntries(["exp", "iat", "nbf"].map((name) => [name, (claims[name] ?? 0) - shift]));
  const text = `${head}.${Buffer.from(JSON.stringify({ ...claims, ...times })).toString("base64url")}`;
  const key = await readFile(join(dirname(mesh.dir), "sa.key"));
  return `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
}

/** The same token with the signature of another. */
async function forged(token: string): Promise<string> {
  const [other = "", own = ""] = [await tokenOf(catalog), token].map((one) => one.split(".")[2]);
  return token.replace(own, other);
}

/** A stream of webapp's proxy, or of another pod's, that asks for a secret. */
function ask(token: string | undefined, { pod = webapp, secret = "default" } = {}): TestClient {
  const at = { host: controllerIp, serverName: "sluice.istio-system.svc", roots };
  const client = new TestClient(15012, { ...at, ...(token !== undefined && { token }) });
  const id = nodeId({ type: "sidecar", ip: pod.ip, name: pod.name, namespace: shopNamespace, domain: "cluster.local" });
  client.say({ node: { id }, typeUrl: typeUrls.SDS, resourceNamesSubscribe: [secret] });
  return client;
}

/** How its stream ends, and that nothing came before. */
async function refusal(client: TestClient): Promise<{ readonly code: number; readonly details: string }> {
  const { code, details } = await until(() => client.status, "the end of the stream");
  expect(client.responses).toEqual([]);
  client.close();
  return { code, details };
}

test("with its own token a proxy gets its own secret", async () => {
  const client = ask(await tokenOf(webapp));
  const [first] = await until(() => client.responses.length > 0 && client.responses, "a response");
  expect(first?.resources.map(({ name }) => name)).toEqual(["default"]);
  client.close();
});

test.each<[string, () => Promise<string | undefined>, number, () => unknown]>([
  ["no token", async () => undefined, 16, () => "no token: expected metadata `authorization: Bearer <token>`"],
  [
    "the token of another pod",
    () => tokenOf(catalog),
    7,
    () => `the token is that of pod ${catalog.name}.${shopNamespace}, but node.id says ${webapp.name}.${shopNamespace}`,
  ],
  [
    "an expired token",
    async () => expired(await tokenOf(webapp)),
    16,
    () => expect.stringMatching(/^the token expired on 2.*Z$/),
  ],
  ["a token for someone else", () => tokenOf(webapp, "vault"), 16, () => 'the token is for "vault": expected istio-ca'],
  [
    "its own token, signed by someone else",
    async () => forged(await tokenOf(webapp)),
    16,
    () => expect.stringMatching(/^the token is refused by the API server/),
  ],
])("with %s there is a status and nothing else", async (_, token, code, details) => {
  expect(await refusal(ask(await token()))).toEqual({ code, details: details() });
});

test("with a good token, another's secret ends the stream before anything of it is sent", async () => {
  const secret = `spiffe://cluster.local/ns/${shopNamespace}/sa/catalog`;
  expect(await refusal(ask(await tokenOf(webapp), { secret }))).toEqual({
    code: 7,
    details: `secret "${secret}" is not this proxy's: it may ask for default and ROOTCA`,
  });
});

test("the token of a pod that is gone is refused, although the API server remembers it for 10 s", async () => {
  const path = `/api/v1/namespaces/${shopNamespace}/pods`;
  const spec = { nodeName: "elsewhere", serviceAccountName: "webapp", containers: [{ name: "app", image: "none" }] };
  await mesh.api.create(path, { metadata: { name: "gone" }, spec });
  const ip = "192.0.2.1";
  await mesh.api.patch(`${path}/gone/status`, { status: { phase: "Running", podIP: ip, podIPs: [{ ip }] } });
  const { metadata } = await mesh.api.get<V1Pod>(`${path}/gone`);
  const pod = { name: "gone", uid: metadata?.uid ?? "", ip, serviceAccount: "webapp" };
  const token = await tokenOf(pod);
  const before = ask(token, { pod });
  await until(() => before.responses.length > 0, "its secret");
  before.close();
  const sent = await deliveries(webapp.ip);
  await mesh.api.delete(`${path}/gone`, { gracePeriodSeconds: 0 });
  await mesh.api.create(`/api/v1/namespaces/${shopNamespace}/services`, service("late"));
  const hasCome = async (): Promise<boolean> => "cluster_manager_cds" in since(sent, await deliveries(webapp.ip));
  await until(hasCome, "the controller to know");
  const { code, details } = await refusal(ask(token, { pod }));
  expect([code, details]).toEqual([14, `pod gone.${shopNamespace} is not known yet`]);
});
