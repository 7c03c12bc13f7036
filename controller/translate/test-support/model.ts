// Short ways to write down the state of a mesh in tests.

import type { Endpoint, Plugin } from "../../model/mesh.ts";
import { defaultSettings } from "../../model/mesh.ts";
import { serviceHost } from "../../model/names.ts";
import type { Kind, Labels, MeshObject, Specs } from "../../model/object.ts";
import type { Proxy } from "../../model/proxy.ts";
import type { Protocol } from "../../model/service.ts";
import type { ServiceAndEndpoints } from "../../model/test-support/meshes.ts";
import type { HttpMatch, HttpRoute, VirtualService } from "../../model/virtual-service.ts";
import type { Module, WasmPlugin } from "../../model/wasm-plugin.ts";
import { parseSha256 } from "../../model/wasm-plugin.ts";

export { mesh } from "../../model/test-support/meshes.ts";

export function object<K extends Kind>(kind: K, name: string, spec: Specs[K], namespace = "shop"): MeshObject<K> {
  return { kind, meta: { namespace, name, labels: {}, annotations: {} }, spec };
}

export function service(
  name: string,
  parts: Partial<ServiceAndEndpoints> & { protocol?: Protocol; port?: number } = {},
): ServiceAndEndpoints {
  const { protocol = "HTTP", port = 80, ...rest } = parts;
  return {
    host: serviceHost(name, "shop", defaultSettings.domain),
    ref: { kind: "Service", namespace: "shop", name },
    ports: [{ name: protocol.toLowerCase(), number: port, protocol, targetPort: 8080 }],
    addresses: [],
    resolution: "STATIC",
    external: false,
    exportTo: [],
    endpoints: [],
    ...rest,
  };
}

export function endpoint(address: string, labels: Labels = {}, parts: Partial<Endpoint> = {}): Endpoint {
  return {
    address,
    ports: new Map([[80, 8080]]),
    mutualTls: new Set(),
    labels,
    namespace: "shop",
    workload: "web",
    serviceAccount: "web",
    weight: 1,
    ready: true,
    ...parts,
  };
}

export function proxy(parts: Partial<Proxy> = {}): Proxy {
  return {
    id: "sidecar~127.0.18.2~web-1.shop~shop.svc.cluster.local",
    type: "sidecar",
    ip: "127.0.18.2",
    name: "web-1",
    namespace: "shop",
    labels: { app: "web" },
    serviceAccount: "web",
    workload: "web",
    interception: "NONE",
    version: "1.40.0",
    ...parts,
  };
}

/** The Sidecar of a workload without interception: one port in, the HTTP proxy port out. */
export const explicitPorts: Specs["Sidecar"] = {
  ingress: [
    {
      port: { number: 8080, protocol: "HTTP", name: "http" },
      bind: "127.0.18.2",
      captureMode: "NONE",
      defaultEndpoint: "127.0.0.1:18080",
    },
  ],
  egress: [
    {
      port: { number: 15007, protocol: "HTTP_PROXY", name: "http-proxy" },
      bind: "127.0.18.2",
      captureMode: "NONE",
      hosts: ["*/*"],
    },
  ],
};

export function virtualService(
  hosts: readonly string[],
  http: readonly HttpRoute[],
  gateways = ["mesh"],
): VirtualService {
  return { hosts, http, gateways, exportTo: [] };
}

export function route(to: string, parts: Partial<HttpRoute> = {}): HttpRoute {
  return { match: [], route: [{ destination: { host: to }, weight: 100 }], ...parts };
}

export function match(parts: Partial<HttpMatch>): HttpMatch {
  return { ignoreUriCase: false, headers: {}, withoutHeaders: {}, queryParams: {}, sourceLabels: {}, ...parts };
}

export function module(parts: Partial<Module> = {}): Module {
  const digest = parseSha256("0".repeat(64));
  if (digest === undefined) throw new Error("not a digest");
  return {
    digest,
    bytes: new Uint8Array([0, 97, 115, 109]),
    attach: ["downstream"],
    capabilities: ["proxy_log"],
    ...parts,
  };
}

/** @param parts `module: null` for one that never had a good module */
export function plugin(
  name: string,
  parts: Partial<WasmPlugin> & { module?: Module | null } = {},
  namespace = "shop",
): Plugin {
  const { module: given = module(), ...spec } = parts;
  const defaults: WasmPlugin = {
    url: `builtin://${name}`,
    type: "HTTP",
    phase: "UNSPECIFIED_PHASE",
    pluginName: name,
    failStrategy: "FAIL_RELOAD",
    env: {},
    match: [],
  };
  const subject = object("WasmPlugin", name, { ...defaults, ...spec }, namespace);
  return given ? { object: subject, module: given } : { object: subject };
}
