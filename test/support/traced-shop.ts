// The outfitters shop with a collector of traces as one more workload of the mesh.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { call } from "./http.ts";
import { startMesh, type TestMesh } from "./mesh.ts";
import { type Span, treeOf, wholeTrace } from "./spans.ts";

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
  return JSON.parse((await call({ host: ip, port: 9411, path: "/api/v2/traces?limit=1000" })).body) as Span[][];
}

/** How a caller tells the context of its trace. */
const contexts = {
  B3: (id: string) => ({ "x-b3-traceid": id, "x-b3-spanid": "b7ad6b7169203331", "x-b3-sampled": "1" }),
  W3C: (id: string) => ({ traceparent: `00-${id}-b7ad6b7169203331-01` }),
};
type Context = keyof typeof contexts;

const retries = "    retries: {attempts: 3, retryOn: 5xx}\n";

/** Gateway and webapp would retry what fails, and their budgets admit nothing. */
const budgets = {
  "gateway.yaml": `${shop["gateway.yaml"]}${retries}`,
  "catalog-retries.yaml": `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: catalog, namespace: istioinaction}
spec:
  hosts: [catalog]
  http:
  - route: [{destination: {host: catalog}}]
${retries}`,
  "budget.yaml": `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: budget, namespace: istio-system}
spec: {url: "builtin://retry-budget", match: [{mode: CLIENT}], pluginConfig: {percent: 0, minRetries: 0}}
`,
};

const deadlineAt = (namespace: string, labels: string): string => `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: deadline, namespace: ${namespace}}
spec: {url: "builtin://deadline", selector: {matchLabels: ${labels}}}
`;

/** What filters decide about a call, and where it is in its trace. */
const stories = {
  "a deadline that has passed at catalog, and no retries of it": {
    files: { ...budgets, "deadline.yaml": deadlineAt("istioinaction", "{app: catalog}") },
    timeoutMs: 0,
    isSlow: false,
    trace: [
      "istio-ingressgateway.istio-system SERVER sluice.retry-budget: denied",
      "  istio-ingressgateway.istio-system CLIENT sluice.retry-budget: denied", // the attempt that was not followed by another
      "    webapp.istioinaction SERVER",
      "      webapp.istioinaction CLIENT sluice.retry-budget: denied",
      "        catalog.istioinaction SERVER sluice.deadline: exceeded",
    ],
  },
  "a deadline that passes at the gateway": {
    files: { "deadline.yaml": deadlineAt("istio-system", "{istio: ingressgateway}") },
    timeoutMs: 200,
    isSlow: true,
    trace: wholeTrace.map((line, i) => (i === 0 ? `${line} sluice.deadline: exceeded` : line)),
  },
};
type Story = keyof typeof stories;

/** Each with each. */
export const decisions: readonly (readonly [Story, Context])[] = (Object.keys(stories) as Story[]).flatMap((story) =>
  (Object.keys(contexts) as Context[]).map((context) => [story, context] as const),
);

let calls = 0;

/** Calls the shop until the collector shows what a story tells, then takes its files away. */
export async function tell(mesh: TestMesh, story: Story, context: Context): Promise<void> {
  const { files, timeoutMs, isSlow, trace } = stories[story];
  await using after = new AsyncDisposableStack();
  for (const [name, yaml] of Object.entries(files)) {
    await mesh.apply(name, yaml);
    after.defer(() => (name in shop ? mesh.apply(name, shop[name] ?? "") : mesh.remove(name)));
  }
  after.defer(() => slowDown(mesh, false));
  await slowDown(mesh, isSlow);
  const gateway = { ...(await mesh.gateway()), path: "/api/catalog" };
  const asked = new Set<string>();
  let seen: readonly string[] = [];
  await mesh.waitFor(
    async () => {
      const id = `0af7651916cd43dd${(0xabc000 + calls++).toString(16).padStart(16, "0")}`;
      asked.add(id);
      await call({ ...gateway, headers: { ...contexts[context](id), "x-request-timeout-ms": String(timeoutMs) } });
      const trees = (await traces(mesh)).filter(([span]) => span && asked.has(span.traceId)).map(treeOf);
      seen = trees.at(-1) ?? [];
      return trees.some((tree) => tree.join("\n") === trace.join("\n"));
    },
    () => `${trace.join("\n")}\nthe last one is\n${seen.join("\n")}`,
  );
}

/** Whether catalog takes a second for each request. */
async function slowDown(mesh: TestMesh, active: boolean): Promise<void> {
  const body = JSON.stringify({ type: "latency", latencyMs: 1000, active });
  await call({
    ...(await mesh.httpProxy("webapp")),
    method: "POST",
    path: "http://catalog.istioinaction/blowup",
    body,
  });
}
