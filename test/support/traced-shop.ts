// The outfitters shop with a collector of traces as one more workload of the mesh.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { call } from "./http.ts";
import { startMesh, type TestMesh } from "./mesh.ts";
import type { Span } from "./spans.ts";

const outfitters = join(import.meta.dirname, "../../examples/outfitters");

const shop = Object.fromEntries(
  ["catalog.yaml", "gateway.yaml", "webapp.yaml"].map((file) => {
    const text = readFileSync(join(outfitters, "mesh", file), "utf8");
    return [file, text.replace(/workingDir: \.\.\//, `workingDir: ${outfitters}/`)];
  }),
);

function zipkin(command: readonly string[]): string {
  return `apiVersion: v1
kind: Service
metadata: {name: zipkin, namespace: istio-system}
spec: {selector: {app: zipkin}, ports: [{name: http-query, port: 9411, targetPort: 9411}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: zipkin, namespace: istio-system}
spec:
  selector: {matchLabels: {app: zipkin}}
  template:
    metadata: {labels: {app: zipkin}}
    spec:
      containers:
      - {name: zipkin, command: ${JSON.stringify(command)}, ports: [{name: http, containerPort: 9411}]}
`;
}

/**
 * Starts the shop and waits until its gateway serves and the collector is there.
 *
 * @param collector the command of what takes spans on port 9411, or `$PORT` of `$HOST`
 * @param deadlineMs how long it may take to start
 */
export async function startTracedShop(collector: readonly string[], deadlineMs: number): Promise<TestMesh> {
  const mesh = await startMesh(shop);
  await mesh.apply("zipkin.yaml", zipkin(collector));
  const gateway = { ...(await mesh.gateway()), path: "/api/catalog" };
  await mesh.waitFor(async () => (await call(gateway)).status === 200, "the gateway to serve");
  const isReady = async (): Promise<boolean> =>
    (await mesh.run()).pods.some(({ workload, ready }) => workload === "zipkin" && ready);
  await mesh.waitFor(isReady, "the collector to be ready", { deadlineMs });
  return mesh;
}

/** A Telemetry with one tracing rule, a flow mapping. */
export function telemetry(name: string, namespace: string, tracing: string): string {
  return `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  tracing:
  - ${tracing}
`;
}

/** What the collector has. */
export async function traces(mesh: TestMesh): Promise<readonly (readonly Span[])[]> {
  const { ip } = await mesh.pod("zipkin");
  return JSON.parse((await call({ host: ip, port: 9411, path: "/api/v2/traces" })).body) as Span[][];
}
