import { describe, expect, test } from "vitest";
import { parseObject } from "../crd/parse-object.ts";
import type { Endpoint, Mesh, MeshService } from "../model/mesh.ts";
import { defaultSettings } from "../model/mesh.ts";
import type { AnyObject, Kind } from "../model/object.ts";
import { readDocuments } from "../sources/documents.ts";
import { type BuiltMesh, buildMesh } from "./build-mesh.ts";
import { ObjectStore } from "./object-store.ts";

const settings = defaultSettings;

function parsed(text: string) {
  return readDocuments(text, "a.yaml").objects.map(parseObject);
}

function build(text: string): BuiltMesh {
  const objects = parsed(text).map(({ object, problems }): AnyObject => {
    if (!object) throw new Error(JSON.stringify(problems));
    return object;
  });
  return buildMesh({ objects, plugins: [], settings, generation: 7 });
}

/** `10.0.0.1 80>8080 ready` */
function endpointText({ address, ports, ready }: Endpoint): string {
  return `${address} ${[...ports].map(([from, to]) => `${from}>${to}`).join(" ")}${ready ? "" : " not ready"}`;
}

function serviceOf(text: string, host: string): MeshService & { readonly endpoints: readonly Endpoint[] } {
  const { services, endpoints } = build(text).mesh;
  const service = services.get(host);
  if (!service) throw new Error(`no service ${host}`);
  return { ...service, endpoints: endpoints.get(host) ?? [] };
}

const pod = (name: string, more = ""): string => `
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {app: web, v: ${name}}, ownerReferences: [{kind: StatefulSet, name: web, controller: true}]}
spec: {serviceAccountName: sa, containers: [{name: c, ports: [{name: web, containerPort: 3000}]}]}
status: {podIP: 10.0.0.${name.length}, conditions: [{type: Ready, status: "True"}]}
${more}`;

describe("a Service", () => {
  const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  clusterIP: 10.96.0.1
  selector: {app: web}
  ports: [{name: http, port: 80, targetPort: web}, {name: tcp, port: 81, targetPort: 9000}, {name: x, port: 82, targetPort: none}]
`;

  test("leads to the pods and WorkloadEntries of its namespace that its selector chooses, by number or name of port", () => {
    const text = `${service}${pod("a")}${pod("bb").replace('"True"', '"False"')}${pod("ccc").replace("podIP: 10.0.0.3, ", "")}
---
apiVersion: v1
kind: Pod
metadata: {name: other, namespace: far, labels: {app: web}}
spec: {containers: []}
status: {podIP: 10.0.0.9}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {name: vm, namespace: shop}
spec: {address: 10.1.0.1, labels: {app: web}, ports: {http: 7000}, weight: 3, locality: r/z}
`;
    const found = serviceOf(text, "web.shop.svc.cluster.local");
    expect(found.endpoints.map(endpointText)).toEqual([
      "10.0.0.1 80>3000 81>9000",
      "10.0.0.2 80>3000 81>9000 not ready",
      "10.1.0.1 80>7000 81>9000 82>82",
    ]);
    expect(found.endpoints[0]).toMatchObject({ workload: "web", serviceAccount: "sa", namespace: "shop", weight: 1 });
    expect(found.endpoints[2]).toMatchObject({ workload: "vm", weight: 3, locality: "r/z", labels: { app: "web" } });
    expect(found).toMatchObject({ addresses: ["10.96.0.1"], resolution: "STATIC", external: false, exportTo: [] });
  });

  test("leads to pods before they are ready where it publishes them, and not to EndpointSlices' that are not", () => {
    const open = service.replace("clusterIP:", "publishNotReadyAddresses: true\n  clusterIP:");
    const text = `${open}${pod("a")}${pod("bb").replace('"True"', '"False"')}`;
    expect(serviceOf(text, "web.shop.svc.cluster.local").endpoints.map(endpointText)).toEqual([
      "10.0.0.1 80>3000 81>9000",
      "10.0.0.2 80>3000 81>9000",
    ]);
    const slice = `${open.replace("  selector: {app: web}\n", "")}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [192.0.2.1], conditions: {ready: false}}]
ports: [{name: http, port: 8080}]
`;
    expect(serviceOf(slice, "web.shop.svc.cluster.local").endpoints.map(endpointText)).toEqual([
      "192.0.2.1 80>8080 not ready",
    ]);
  });

  test("leads to a port that a native sidecar names, and not to one of an init container that ends", () => {
    const inside = (policy: string): string =>
      pod("a").replace(
        "containers: [{name: c, ports: [{name: web, containerPort: 3000}]}]",
        `containers: [{name: c}], initContainers: [{name: s${policy}, ports: [{name: web, containerPort: 4000}]}]`,
      );
    const portsOf = (policy: string) =>
      serviceOf(`${service}${inside(policy)}`, "web.shop.svc.cluster.local").endpoints.map(endpointText);
    expect(portsOf(", restartPolicy: Always")).toEqual(["10.0.0.1 80>4000 81>9000"]);
    expect(portsOf("")).toEqual(["10.0.0.1 81>9000"]);
  });

  test("without selector, or with an empty one, leads nowhere", () => {
    for (const selector of ["", "  selector: {}"]) {
      const text = service.replace("  selector: {app: web}", selector);
      expect(serviceOf(text + pod("a"), "web.shop.svc.cluster.local").endpoints).toEqual([]);
    }
  });
});

test("a Service without selector leads where its EndpointSlices say; one with a selector to its pods only", () => {
  const slice = (service: string, address: string): string => `
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${service}-${address}, namespace: shop, labels: {kubernetes.io/service-name: ${service}}}
addressType: IPv4
endpoints: [{addresses: [${address}]}, {addresses: [192.0.2.9], conditions: {ready: false}}]
ports: [{name: http, port: 3000}]`;
  const service = (name: string, selector: string): string => `
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {${selector} ports: [{name: http, port: 80}, {name: tcp, port: 81}]}`;
  const text = `${service("outside", "")}${service("web", "selector: {app: web},")}
${slice("outside", "192.0.2.1")}${slice("outside", "192.0.2.2")}${slice("web", "192.0.2.3")}${pod("a")}`;
  const endpointsOf = (name: string) => serviceOf(text, `${name}.shop.svc.cluster.local`).endpoints.map(endpointText);
  expect(endpointsOf("outside")).toEqual([
    "192.0.2.1 80>3000",
    "192.0.2.9 80>3000 not ready",
    "192.0.2.2 80>3000",
    "192.0.2.9 80>3000 not ready",
  ]);
  expect(endpointsOf("web")).toEqual(["10.0.0.1 80>80 81>81"]);
});

describe("a ServiceEntry", () => {
  const entry = (spec: string): string => `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: pay, namespace: shop}
spec: {hosts: [pay.example.com], ports: [{number: 443, name: https, targetPort: 8443}, {number: 80, name: http}], ${spec}}
`;
  test.each`
    what                    | spec                                                                         | resolution  | external | endpoints
    ${"static endpoints"}   | ${"resolution: STATIC, endpoints: [{address: 10.0.0.1, ports: {http: 81}}]"} | ${"STATIC"} | ${true}  | ${["10.0.0.1 443>8443 80>81"]}
    ${"DNS endpoints"}      | ${"resolution: DNS, endpoints: [{address: a.io}]"}                           | ${"DNS"}    | ${true}  | ${["a.io 443>8443 80>80"]}
    ${"its own name"}       | ${"resolution: DNS_ROUND_ROBIN"}                                             | ${"DNS"}    | ${true}  | ${["pay.example.com 443>8443 80>80"]}
    ${"nowhere"}            | ${"resolution: NONE, location: MESH_INTERNAL"}                               | ${"NONE"}   | ${false} | ${[]}
    ${"selected workloads"} | ${"resolution: STATIC, workloadSelector: {labels: {app: web}}"}              | ${"STATIC"} | ${true}  | ${["10.0.0.1 443>8443 80>80", "10.0.0.2 443>8443 80>80"]}
  `("leads to $what", ({ spec, resolution, external, endpoints }) => {
    const found = serviceOf(entry(spec) + pod("a") + pod("bb"), "pay.example.com");
    expect(found).toMatchObject({ resolution, external });
    expect(found.endpoints.map(endpointText)).toEqual(endpoints);
  });

  test.each`
    exportTo          | seen
    ${"['*']"}        | ${[]}
    ${"['.', front]"} | ${["shop", "front"]}
    ${"['~']"}        | ${["~"]}
  `("with exportTo $exportTo is seen by $seen", ({ exportTo, seen }) => {
    expect(serviceOf(entry(`exportTo: ${exportTo}`), "pay.example.com").exportTo).toEqual(seen);
  });
});

test("lists are in order of creation, then name, then namespace", () => {
  const gateway = (key: string, created?: string): string => {
    const [namespace, name] = key.split("/");
    const time = created === undefined ? "" : `, creationTimestamp: "${created}"`;
    return `---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: ${name}, namespace: ${namespace}${time}}\nspec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a]}]}\n`;
  };
  const text = [
    gateway("b/late", "2026-02-01T00:00:00Z"),
    gateway("a/early", "2026-01-01T00:00:00Z"),
    gateway("b/x"),
    gateway("a/x"),
    gateway("z/a"),
  ].join("");
  const { mesh } = build(text);
  expect(mesh.gateways.map(({ meta }) => `${meta.namespace}/${meta.name}`)).toEqual([
    "z/a",
    "a/x",
    "b/x",
    "a/early",
    "b/late",
  ]);
  expect(mesh.generation).toBe(7);
});

test("an object that turns bad stays as it was, and goes when it is no longer named", () => {
  const store = new ObjectStore();
  const text = (port: string): string => `
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {ports: [{port: ${port}}]}
---
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {ports: [{port: ${port.length}}]}
`;
  const ports = (objects: readonly AnyObject[]): string[] =>
    objects.map(({ kind, meta, spec }) => `${meta.name} ${kind === "Service" ? spec.ports[0]?.number : ""}`);
  expect(ports(store.update(parsed(text("80"))))).toEqual(["a 80", "b 2"]);
  expect(ports(store.update(parsed(text("70000"))))).toEqual(["a 80", "b 5"]);
  expect(ports(store.update(parsed(text("81"))))).toEqual(["a 81", "b 2"]);
  expect(ports(store.update(parsed(text("81").split("---")[1] ?? "")))).toEqual(["b 2"]);
  expect(ports(store.update(parsed(text("70000"))))).toEqual(["b 5"]);
});

describe("which endpoints take mutual TLS", () => {
  const service = `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: web}, {name: tcp, port: 81, targetPort: 9000}]}
`;
  const policy = (namespace: string, spec: string): string =>
    `\n---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: p, namespace: ${namespace}}\nspec: ${spec}`;
  test.each`
    label         | more                                                                                               | ports
    ${"istio"}    | ${""}                                                                                              | ${[3000, 9000]}
    ${"disabled"} | ${""}                                                                                              | ${[]}
    ${"istio"}    | ${policy("istio-system", "{mtls: {mode: DISABLE}}")}                                               | ${[]}
    ${"istio"}    | ${policy("shop", "{selector: {matchLabels: {app: web}}, portLevelMtls: {9000: {mode: DISABLE}}}")} | ${[3000]}
    ${"istio"}    | ${policy("shop", "{selector: {matchLabels: {app: x}}, mtls: {mode: DISABLE}}")}                    | ${[3000, 9000]}
  `("tlsMode: $label, with $more: ports $ports", ({ label, more, ports }) => {
    const labelled = pod("a").replace("v: a", `v: a, security.istio.io/tlsMode: ${label}`);
    const { endpoints } = serviceOf(service + labelled + more, "web.shop.svc.cluster.local");
    expect(endpoints.map(({ mutualTls }) => [...mutualTls])).toEqual([ports]);
  });
});

describe("what has not changed is the same value in the next mesh", () => {
  const text = ["web", "api"]
    .map(
      (name) => `
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: shop}
spec: {selector: {app: web, v: ${name}}, ports: [{name: http, port: 80}]}
${pod(name)}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${name}, namespace: shop}
spec: {hosts: [${name}], http: [{route: [{destination: {host: ${name}}}]}]}`,
    )
    .join("\n---");
  const first = parsed(text).flatMap(({ object }) => object ?? []);
  /** Two meshes in a row; in the second one object is another value. */
  const meshes = (kind: Kind, name: string): readonly [before: Mesh, after: Mesh] => {
    const { mesh: before } = buildMesh({ objects: first, plugins: [], settings, generation: 1 });
    const objects = first.map((one) => (one.kind === kind && one.meta.name === name ? { ...one } : one));
    return [before, buildMesh({ objects, plugins: [], settings, generation: 2, before }).mesh];
  };

  test.each`
    kind                | changed
    ${"Pod"}            | ${["endpoints"]}
    ${"VirtualService"} | ${["virtualServices"]}
    ${"Service"}        | ${["services", "endpoints"]}
    ${"none"}           | ${[]}
  `("after a change of a $kind all parts but $changed", ({ kind, changed }) => {
    const [before, after] = meshes(kind, "api");
    const parts = Object.keys(after) as (keyof Mesh)[];
    expect(parts.filter((part) => part !== "generation" && after[part] !== before[part])).toEqual(changed);
  });

  test.each`
    part           | kind
    ${"endpoints"} | ${"Pod"}
    ${"services"}  | ${"Service"}
  `("of the $part those that don't belong to the $kind that changed", ({ part, kind }) => {
    const [before, after] = meshes(kind, "api").map((mesh) => mesh[part as "services" | "endpoints"]);
    const same = ["web", "api"].map((name) => {
      const host = `${name}.shop.svc.cluster.local`;
      return before?.has(host) && before.get(host) === after?.get(host);
    });
    expect(same).toEqual([true, false]);
  });
});
