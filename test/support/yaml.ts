// The YAML of test meshes. Everything stands in namespace `shop`.
import { app, node } from "./mesh.ts";

export interface WorkloadYaml {
  readonly replicas?: number;
  /** Name of the port: its first part is the protocol. Default `http`. */
  readonly port?: string;
  /** Default: the test application, `app.ts`. */
  readonly command?: readonly string[];
}

/** Service, with port 80, and Deployment of a program. */
export function workload(
  name: string,
  { replicas = 1, port = "http", command = [node, app] }: WorkloadYaml = {},
): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {app: ${name}}
  ports: [{name: ${port}, port: 80, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}, version: v1}}
    spec:
      containers:
      - name: ${name}
        command: ${JSON.stringify(command)}
        ports: [{name: ${port}, containerPort: 8080}]
`;
}

/** A Service of another name for the pods of a workload. */
export function alias(name: string, workload: string): string {
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {app: ${workload}}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;
}

/** Service and Deployment of a program that sends back what it is told and speaks no HTTP, on these ports. */
export function echo(name: string, ports: readonly number[]): string {
  const program = `const { createServer } = require("node:net"); for (const port of [${ports}]) createServer((socket) => socket.on("error", () => {}).pipe(socket)).listen(port, process.env.HOST)`;
  return `apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {app: ${name}}
  ports: [${ports.map((port) => `{name: tcp-${port}, port: ${port}}`)}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}, version: v1}}
    spec:
      containers:
      - name: ${name}
        command: ${JSON.stringify([node, "-e", program])}
        ports: [${ports.map((port) => `{containerPort: ${port}}`)}]
`;
}

/** A Gateway for all hosts, and a VirtualService that leads to a service. */
export function gatewayTo(name: string): string {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: shop}
spec:
  hosts: ["*"]
  gateways: [edge]
  http:
  - route: [{destination: {host: ${name}, port: {number: 80}}}]
`;
}

/** A VirtualService of the mesh for one service, with the fields of its only route (`timeout: 1s`, one a line). */
export function virtualService(name: string, route: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec:
  hosts: [${name}]
  http:
  - route: [{destination: {host: ${name}}}]
${route.replace(/^/gm, "    ")}
`;
}

/** A DestinationRule for one service, with its traffic policy as a flow mapping. */
export function destinationRule(name: string, trafficPolicy: string): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: ${name}, namespace: shop}
spec:
  host: ${name}
  trafficPolicy: ${trafficPolicy}
`;
}

export interface PluginYaml {
  readonly name: string;
  /** `file:///…` or `builtin://…` */
  readonly url: string;
  /** Default: `shop`, or the gateway's. */
  readonly namespace?: string;
  /** `app` label of the workloads, or `istio-ingressgateway`; default: all of the namespace. */
  readonly app?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  /** More fields of spec, as flow mappings. */
  readonly spec?: Readonly<Record<string, unknown>>;
}

const gateway = "istio-ingressgateway";

export function namespaceOf({ app, namespace = app === gateway ? "istio-system" : "shop" }: PluginYaml): string {
  return namespace;
}

export function wasmPlugin(plugin: PluginYaml): string {
  const { name, url, app, config, spec = {} } = plugin;
  const matchLabels = app === gateway ? { istio: "ingressgateway" } : { app };
  const fields = {
    ...(app === undefined ? {} : { selector: { matchLabels } }),
    url,
    ...(config === undefined ? {} : { pluginConfig: config }),
    ...spec,
  };
  return `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: ${name}, namespace: ${namespaceOf(plugin)}}
spec: ${JSON.stringify(fields)}
`;
}
