// Who may talk to whom in a cluster, and what others see of it on the way.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Authority } from "../../controller/ca/authority.ts";
import { readRoot } from "../../controller/ca/read-root.ts";
import { rootFiles } from "../../controller/ca/root-store.ts";
import { type Certificate, PrivateKey } from "../../controller/model/certificate.ts";
import { testAuthority } from "../support/authority.ts";
import { call } from "../support/http.ts";
import { capture, type Packet } from "../support/kube/capture.ts";
import { proxyStats } from "../support/kube/deliveries.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";

const port = 3000;
const page = "/items/1";
/** Of the page's body. */
const secret = "Elinor Glasses";

let mesh: KubeMesh;
/** The mesh's own. */
let authority: Authority;
let ips: { readonly gateway: string; readonly webapp: string; readonly catalog: string; readonly outside: string };

beforeAll(async () => {
  mesh = await startKubeMesh();
  authority = await meshAuthority();
  await mesh.kubectl("create", "namespace", "outside");
  const command = ["node", "-e", "setInterval(() => {}, 1e6)"];
  const spec = { containers: [{ name: "app", image: "istioinaction/catalog", command }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "app", namespace: "outside" }, spec };
  await mesh.waitFor(() => mesh.kubectl.apply(JSON.stringify(pod)), "the service account of the namespace");
  await mesh.kubectl("wait", "-n", "outside", "pod/app", "--for=condition=Ready", "--timeout=60s");
  const ipOf = (namespace: string, ...which: readonly string[]): Promise<string> =>
    mesh.kubectl("get", "pod", "-n", namespace, ...which, "-o", "jsonpath={..podIP}");
  ips = {
    gateway: await ipOf("istio-system", "-l", "app=istio-ingressgateway"),
    webapp: await ipOf(shopNamespace, "-l", "app=webapp"),
    catalog: await ipOf(shopNamespace, "-l", "app=catalog"),
    outside: await ipOf("outside", "app"),
  };
});
afterAll(() => mesh?.close());

async function meshAuthority(): Promise<Authority> {
  const path = "/api/v1/namespaces/istio-system/secrets/istio-ca-secret";
  const { data } = await mesh.api.get<{ readonly data: Readonly<Record<string, string>> }>(path);
  const text = (file: string): string => Buffer.from(data[file] ?? "", "base64").toString();
  const caKey = new PrivateKey(text(rootFiles.caKey));
  const read = await readRoot({ origin: path, caCert: text(rootFiles.caCert), caKey }, Date.now());
  if ("problems" in read) throw new Error(read.problems.join());
  return new Authority(read.issuer);
}

function certificate(by: Authority, trustDomain = "cluster.local"): Promise<Certificate> {
  const identity = { trustDomain, namespace: shopNamespace, serviceAccount: "webapp" };
  return by.issue({ identity }, { nowMs: Date.now(), ttlMs: 3_600_000 });
}

/** What catalog's pod answers to who calls it directly: an HTTP status, or that it was refused. */
function ask(own?: Certificate): Promise<number | "refused"> {
  const options = { host: ips.catalog, port, path: page, agent: false };
  return new Promise((resolve) => {
    const sent = own
      ? httpsRequest({
          ...{ ...options, ALPNProtocols: ["istio"], ca: authority.roots, checkServerIdentity: () => undefined },
          ...{ cert: own.chain, key: own.key.reveal() },
        })
      : httpRequest(options);
    sent.once("error", () => resolve("refused"));
    sent.once("response", (response) => resolve(response.resume().statusCode ?? 0));
    sent.end();
  });
}

/** The same in plain HTTP, by the pod without a sidecar. */
function askFromOutside(): Promise<string> {
  const fetched = `fetch("http://${ips.catalog}:${port}${page}").then((reply) => reply.status, () => "refused")`;
  const program = `process.stdout.write(String(await ${fetched}))`;
  return mesh.kubectl("exec", "-n", "outside", "app", "--", "node", "--input-type=module", "-e", program);
}

test("of the controller, others reach xDS and webhooks, but not what it tells of the mesh", async () => {
  const host = await mesh.kubectl("get", "pod", "-n", "istio-system", "-l", "app=sluice", "-o", "jsonpath={..podIP}");
  const isOpen = async (port: number): Promise<boolean> => {
    const socket = connect({ host, port });
    const isConnected = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    return isConnected;
  };
  expect(await Promise.all([15012, 15017, 15014].map(isOpen))).toEqual([true, true, false]);
  expect(await mesh.sluice("proxy-status")).toContain("SYNCED"); // by the API server's port-forward
});

interface Authentication {
  readonly name: string;
  readonly namespace: string;
  readonly spec: object;
}

async function apply({ name, namespace, spec }: Authentication): Promise<void> {
  const kind = { apiVersion: "security.istio.io/v1", kind: "PeerAuthentication" };
  await mesh.kubectl.apply(JSON.stringify({ ...kind, metadata: { name, namespace }, spec }));
}

const inMesh = (mode: string) => ({ name: "default", namespace: "istio-system", spec: { mtls: { mode } } });
const inNamespace = (mode: string) => ({ name: "default", namespace: shopNamespace, spec: { mtls: { mode } } });
const ofCatalog = (mode: string, portMode?: string) => ({
  name: "catalog",
  namespace: shopNamespace,
  spec: {
    selector: { matchLabels: { app: "catalog" } },
    mtls: { mode },
    ...(portMode && { portLevelMtls: { [port]: { mode: portMode } } }),
  },
});

test("nothing of a request can be read between the pods of the mesh", async () => {
  const reply = await mesh.waitFor(async () => {
    const one = await call({ ...mesh.gateway, path: `/api/catalog${page}` });
    return one.status === 200 && one;
  }, "the shop to answer");
  expect(reply.body).toContain(secret);
  const packets = await capture(mesh, async () => {
    for (let i = 0; i < 5; i++) expect((await call({ ...mesh.gateway, path: `/api/catalog${page}` })).status).toBe(200);
    expect(await askFromOutside()).toBe("200");
  });
  const words = [secret, page, "GET ", "HTTP/1.1 200"];
  const between = (a: string, b: string): readonly Packet[] =>
    packets.filter(({ source, target }) => [source, target].toSorted().join() === [a, b].toSorted().join());
  const read = (a: string, b: string): readonly string[] =>
    words.filter((word) => between(a, b).some(({ bytes }) => bytes.includes(word)));
  expect(read(ips.outside, ips.catalog)).toEqual(words); // what is there to be read is found
  for (const [a, b] of [
    [ips.gateway, ips.webapp],
    [ips.webapp, ips.catalog],
  ] as const) {
    expect(between(a, b).length).toBeGreaterThan(0);
    expect(read(a, b)).toEqual([]);
  }
});

describe("in order, from the whole mesh to one port", () => {
  test.each([
    ["STRICT in the mesh", "refused", inMesh("STRICT")],
    ["PERMISSIVE in the namespace", "200", inNamespace("PERMISSIVE")],
    ["STRICT for the workload", "refused", ofCatalog("STRICT")],
    ["PERMISSIVE for its port", "200", ofCatalog("STRICT", "PERMISSIVE")],
    ["STRICT for its port, PERMISSIVE for the workload", "refused", ofCatalog("PERMISSIVE", "STRICT")],
  ] as const)(
    "%s: only the mesh's certificates, and who has none is answered: %s",
    async (_, plain, authentication) => {
      await apply(authentication);
      await mesh.waitFor(async () => String(await ask()) === plain, `plain HTTP to get ${plain}`);
      expect(await askFromOutside()).toBe(plain);
      expect(await ask(await certificate(authority))).toBe(200);
      expect(await ask(await certificate(authority, "elsewhere.example"))).toBe("refused");
      expect(await ask(await certificate(await testAuthority()))).toBe("refused");
      expect((await call({ ...mesh.gateway, path: `/api/catalog${page}` })).status).toBe(200);
    },
  );
});

/** How often catalog was called, by caller and how its connection was secured. */
async function called(principal: string, policy: string): Promise<number> {
  const labels = [
    `reporter="destination"`,
    `source_principal="${principal}"`,
    `connection_security_policy="${policy}"`,
  ];
  return [...(await proxyStats(ips.catalog))]
    .filter(([key]) => key.startsWith("istio_requests_total{") && labels.every((label) => key.includes(label)))
    .reduce((sum, [, count]) => sum + count, 0);
}

test("catalog knows webapp by its identity; under DISABLE it speaks plain HTTP, and callers follow", async () => {
  const path = `/api/catalog${page}`;
  const webapp = `spiffe://cluster.local/ns/${shopNamespace}/sa/webapp`;
  const before = await called(webapp, "mutual_tls");
  expect((await call({ ...mesh.gateway, path })).status).toBe(200);
  await mesh.waitFor(async () => (await called(webapp, "mutual_tls")) === before + 1, "the call to be counted");
  await apply(ofCatalog("DISABLE"));
  const own = await certificate(authority);
  await mesh.waitFor(async () => (await ask(own)) === "refused", "TLS to be refused");
  expect(await askFromOutside()).toBe("200");
  const plain = await called("unknown", "none");
  await mesh.waitFor(async () => (await call({ ...mesh.gateway, path })).status === 200, "webapp to follow");
  await mesh.waitFor(async () => (await called("unknown", "none")) > plain, "a plain call to be counted");
});
