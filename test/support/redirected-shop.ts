// Two pods in network namespaces of their own, with the rules of `sluice init` and real Envoys that have what `translate`
// gives them: `web` (10.9.0.2), which calls, and `catalog` (10.9.0.1), with a port for each mode of mutual TLS.
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { execPath } from "node:process";
import { parseObject } from "../../controller/crd/parse-object.ts";
import { bootstrap } from "../../controller/inject/bootstrap.ts";
import { buildMesh } from "../../controller/mesh/build-mesh.ts";
import { defaultSettings, type Mesh, type Plugin } from "../../controller/model/mesh.ts";
import type { Proxy as MeshProxy } from "../../controller/model/proxy.ts";
import type { Module } from "../../controller/model/wasm-plugin.ts";
import { readDocuments } from "../../controller/sources/documents.ts";
import * as model from "../../controller/translate/test-support/model.ts";
import { staticBootstrap, withSecrets } from "../../controller/translate/test-support/static.ts";
import { translate } from "../../controller/translate/translate.ts";
import { testAuthority } from "./authority.ts";
import { startEnvoy, type TestEnvoy } from "./envoy.ts";
import { outsideAddress, type PodNetwork, podAddress, podNetwork } from "./pod-network.ts";

const sluice = [execPath, join(import.meta.dirname, "../../controller/main.ts")];
const tls = { "security.istio.io/tlsMode": "istio" };

/** Ports of catalog's application; the names say what PeerAuthentication makes of them. */
export const ports = {
  http: { permissive: 8080, strict: 8081, disable: 8082, unknown: 9999 },
  /** Answers what it is told. */
  echo: 9000,
  /** Speaks first. */
  banner: { permissive: 9001, strict: 9002, disable: 9003 },
} as const;

const pod = (name: string, ip: string): string => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}-1, namespace: shop, labels: {app: ${name}, security.istio.io/tlsMode: istio}}
spec: {serviceAccountName: ${name}, containers: [{name: ${name}}]}
status: {podIP: ${ip}, conditions: [{type: Ready, status: "True"}]}`;

const yaml = `
apiVersion: v1
kind: Service
metadata: {name: catalog, namespace: shop}
spec:
  clusterIP: 10.96.0.1
  selector: {app: catalog}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: http-strict, port: 81, targetPort: 8081}
  - {name: http-disable, port: 82, targetPort: 8082}
  - {name: tcp, port: 9000}
  - {name: tcp-1, port: 9001}
  - {name: tcp-2, port: 9002}
  - {name: tcp-3, port: 9003}
---
apiVersion: v1
kind: Service
metadata: {name: catalog-pods, namespace: shop}
spec: {clusterIP: None, selector: {app: catalog}, ports: [{name: tcp, port: 9000}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: shop}
spec: {clusterIP: 10.96.0.2, selector: {app: other}, ports: [{name: http, port: 8080}]}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: catalog, namespace: shop}
spec:
  selector: {matchLabels: {app: catalog}}
  portLevelMtls:
    8081: {mode: STRICT}
    8082: {mode: DISABLE}
    9002: {mode: STRICT}
    9003: {mode: DISABLE}
${pod("catalog", podAddress)}${pod("web", outsideAddress)}`;

/** Connections between the two last 0.4 of a certificate's life. */
const settings = { ...defaultSettings, certificateTtlMs: 2500 };

export function shopMesh(plugins: readonly Plugin[], telemetry: Module): Mesh {
  const objects = readDocuments(yaml, "shop.yaml").objects.flatMap((raw) => parseObject(raw).object ?? []);
  return buildMesh({ objects, plugins, telemetry, settings, generation: 1 }).mesh;
}

export interface RedirectedShop {
  readonly network: PodNetwork;
  readonly web: TestEnvoy;
  readonly catalog: TestEnvoy;
  readonly authority: Awaited<ReturnType<typeof testAuthority>>;
  stop(): Promise<void>;
}

export async function redirectedShop(mesh: Mesh): Promise<RedirectedShop> {
  const network = await podNetwork();
  const started: { stop(): unknown }[] = [{ stop: () => network.close() }];
  const stop = async (): Promise<void> => {
    for (const one of started.toReversed()) await one.stop();
  };
  try {
    const authority = await testAuthority();
    await network.exec("outside", ["ip", "route", "add", "10.96.0.0/16", "dev", "out0"]);
    for (const where of ["inside", "outside"] as const) await network.exec(where, [...sluice, "init"]);
    const app = await startApplication(network);
    started.push({ stop: () => app.kill("SIGKILL") });
    const envoys = await Promise.all(
      [proxyOf("catalog", podAddress), proxyOf("web", outsideAddress)].map(async (proxy) => {
        const envoy = await redirectedEnvoy(network, { mesh, proxy, authority });
        started.push(envoy);
        await envoy.live();
        return envoy;
      }),
    );
    const [catalog, web] = envoys;
    if (!catalog || !web) throw new Error("no Envoys");
    return { network, web, catalog, authority, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function proxyOf(name: string, ip: string): MeshProxy {
  const id = `sidecar~${ip}~${name}-1.shop~shop.svc.cluster.local`;
  const own = { id, ip, name: `${name}-1`, workload: name, serviceAccount: name, labels: { app: name, ...tls } };
  return model.proxy({ ...own, interception: "REDIRECT" });
}

interface Pod {
  readonly mesh: Mesh;
  readonly proxy: MeshProxy;
  readonly authority: Awaited<ReturnType<typeof testAuthority>>;
}

async function redirectedEnvoy(network: PodNetwork, { mesh, proxy, authority }: Pod): Promise<TestEnvoy> {
  const { namespace, serviceAccount, ip } = proxy;
  const identity = { trustDomain: settings.trustDomain, namespace, serviceAccount };
  const certificate = await authority.issue({ identity }, { nowMs: Date.now(), ttlMs: 600_000 });
  const at = (port: number) => ({ address: ip, port });
  const { node, stats_config: statistics } = bootstrap({
    proxy,
    settings,
    xds: { address: ip, port: 15010 },
    adminSocket: "",
    listen: { prometheus: at(15090), ready: at(15021), admin: at(15000) },
  });
  const stats_config = { ...(statistics as object), stats_matcher: { reject_all: false } };
  // user 1337, which the rules know Envoy by, but allowed to read what root's tests write
  const asProxy = ["--reuid", "1337", "--regid", "1337", "--clear-groups", "--inh-caps", "+dac_override"];
  return startEnvoy(
    { ...staticBootstrap(withSecrets(translate(mesh, proxy).resources, certificate)), node, stats_config },
    {
      command: (argv) =>
        network.command(ip === podAddress ? "inside" : "outside", [
          ...["setpriv", ...asProxy, "--ambient-caps", "+dac_override", "--"],
          ...argv,
        ]),
    },
  );
}

/** Tells who asked for what on which port; on the banner's ports it greets. */
const application = `
const { createServer } = require("node:http");
const net = require("node:net");
let open = 0;
const listening = () => ++open === ${Object.keys(ports.http).length + Object.keys(ports.banner).length + 1} && console.log("listening");
for (const port of [${Object.values(ports.http)}])
  createServer(({ headers, socket }, response) => response.end(JSON.stringify({ port, from: socket.remoteAddress, headers }))).listen(port, "0.0.0.0", listening);
for (const port of [${Object.values(ports.banner)}]) net.createServer((socket) => socket.end("hello from " + port)).listen(port, "0.0.0.0", listening);
net.createServer((socket) => socket.once("data", (data) => socket.end("echo " + data))).listen(${ports.echo}, "0.0.0.0", listening);
`;

async function startApplication(network: PodNetwork): Promise<ChildProcess> {
  const [program, args] = network.command("inside", [execPath, "-e", application], 1000);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("exit", () => reject(new Error("the application ended")));
  });
  return child;
}
