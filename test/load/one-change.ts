// What one change costs the control plane without its edges: from objects to the bytes of every response and the status.
import process, { stderr } from "node:process";
import { create } from "@bufbuild/protobuf";
import { ControlPlane } from "../../controller/control-plane.ts";
import { DeltaDiscoveryRequestSchema } from "../../controller/gen/envoy/service/discovery/v3/discovery_pb.js";
import { defaultSettings } from "../../controller/model/mesh.ts";
import type { RawObject } from "../../controller/model/raw-object.ts";
import { typeUrls, type XdsType } from "../../controller/model/resource.ts";
import { realClock } from "../../controller/ports/clock.ts";
import { deny } from "../../controller/translate/deny.ts";
import { Connection, type XdsEvent } from "../../controller/xds/connection.ts";
import type { Measurement } from "./figures.ts";

const log = { info() {}, warn() {}, error: (text: string) => void stderr.write(`${text}\n`) };

const times = 20;
const namespaceCount = 10;
const serviceCount = 500;
const podsPerService = 4;
/** Services with a VirtualService and a DestinationRule. */
const routedCount = 50;
const proxyCount = 40;
const size = `${serviceCount * podsPerService} pods, ${serviceCount} services, ${proxyCount} sidecars of ${namespaceCount} namespaces`;

const namespaceOf = (service: number): string => `load-${service % namespaceCount}`;
const nameOf = (service: number): string => `service-${service}`;

export const oneChange: Measurement = async () => {
  const objects = allObjects();
  const mesh = new SimulatedMesh();
  mesh.update(objects);
  mesh.connect();
  const samples = { pod: [] as number[], route: [] as number[] };
  for (let n = 0; n < times; n++) {
    const [service, ready] = [(n * 37) % serviceCount, n % 2 === 1];
    objects.set(`pod ${service}`, podObject(service, 0, ready));
    samples.pod.push(mesh.update(objects));
    objects.set(`route ${n}`, routeObject(n, `${n + 1}s`));
    samples.route.push(mesh.update(objects));
  }
  const how = `CPU: mesh, resources and responses for all, and the status; ${size}`;
  return [
    { what: "one change: a pod's readiness", samples: samples.pod, unit: "ms", how },
    { what: "one change: a VirtualService's timeout", samples: samples.route, unit: "ms", how },
  ];
};

/** A control plane and proxies that take all that they are sent. */
class SimulatedMesh {
  readonly #connections: Connection[] = [];
  #unanswered: (XdsEvent & { readonly kind: "sent" })[] = [];
  readonly #plane = new ControlPlane({
    settings: defaultSettings,
    controller: "sluice",
    modules: { resolve: () => ({ plugins: [], problems: [] }) },
    secrets: () => new Map(),
    push: () => {
      for (const connection of this.#connections) connection.push();
    },
    proxies: () => this.#connections.map((connection) => connection.state()),
    clock: realClock,
    log,
  });

  /** @returns what it took of this thread, in ms */
  update(objects: ReadonlyMap<string, RawObject>): number {
    const before = process.threadCpuUsage();
    this.#plane.update({ objects: [...objects.values()], problems: [] });
    const { user, system } = process.threadCpuUsage(before);
    this.#answer();
    return (user + system) / 1000;
  }

  connect(): void {
    for (let n = 0; n < proxyCount; n++) {
      const proxy = proxyOf(n);
      const connection = new Connection({
        connection: n,
        proxy,
        identity: { trustDomain: defaultSettings.trustDomain, namespace: proxy.namespace, serviceAccount: "default" },
        isStanding: () => true,
        targetFor: (...whose) => this.#plane.targetFor(...whose),
        deny,
        onEvent: (event) => {
          this.#plane.onEvent(event);
          if (event.kind === "sent") this.#unanswered.push(event);
        },
        write: (_message, done) => done(),
        refuse: ({ message }) => {
          throw new Error(message);
        },
        clock: realClock,
        log,
        warn() {},
        identifier: "sluice",
      });
      this.#connections.push(connection);
      const { snapshot } = this.#plane.targetFor(proxy, connection.identity);
      for (const type of ["CDS", "LDS"] as const) connection.receive(request(type));
      for (const type of ["EDS", "RDS", "ECDS"] as const)
        connection.receive(request(type, { resourceNamesSubscribe: [...snapshot[type].keys()] }));
    }
    this.#answer();
  }

  #answer(): void {
    while (this.#unanswered.length > 0)
      for (const { connection, type, nonce } of this.#unanswered.splice(0))
        this.#connections[connection]?.receive(request(type, { responseNonce: nonce }));
  }
}

function request(type: XdsType, more: { responseNonce?: string; resourceNamesSubscribe?: string[] } = {}) {
  return create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls[type], ...more });
}

const addressOf = (service: number, pod: number): string => `10.${pod}.${service >> 8}.${service & 255}`;

/** Of the first pod of a service. */
function proxyOf(service: number): Parameters<ControlPlane["targetFor"]>[0] {
  const [ip, name, namespace] = [addressOf(service, 0), `${nameOf(service)}-0`, namespaceOf(service)];
  return {
    id: `sidecar~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    type: "sidecar",
    ip,
    name,
    namespace,
    labels: labelsOf(service),
    serviceAccount: "default",
    workload: nameOf(service),
    interception: "REDIRECT",
    version: "1.40.0",
  };
}

function allObjects(): Map<string, RawObject> {
  const objects = new Map<string, RawObject>();
  for (let service = 0; service < serviceCount; service++) {
    objects.set(`service ${service}`, serviceObject(service));
    for (let pod = 0; pod < podsPerService; pod++)
      objects.set(pod === 0 ? `pod ${service}` : `pod ${service} ${pod}`, podObject(service, pod, true));
    if (service >= routedCount) continue;
    objects.set(`route ${service}`, routeObject(service, "15s"));
    objects.set(`rule ${service}`, ruleObject(service));
  }
  return objects;
}

function labelsOf(service: number): Readonly<Record<string, string>> {
  return { app: nameOf(service), version: "v1", "security.istio.io/tlsMode": "istio" };
}

function serviceObject(service: number): RawObject {
  const ports = [{ name: "http", port: 80, targetPort: 8080 }];
  const clusterIP = `10.96.${service >> 8}.${service & 255}`;
  return value("v1", "Service", service, { spec: { clusterIP, selector: { app: nameOf(service) }, ports } });
}

function podObject(service: number, pod: number, ready: boolean): RawObject {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  const object = value("v1", "Pod", service, {
    spec: { containers: [{ name: "app", ports: [{ containerPort: 8080 }] }] },
    status: { phase: "Running", podIP: addressOf(service, pod), conditions },
  });
  const metadata = { name: `${nameOf(service)}-${pod}`, namespace: namespaceOf(service), labels: labelsOf(service) };
  return { value: { ...Object(object.value), metadata } };
}

function routeObject(service: number, timeout: string): RawObject {
  const host = nameOf(service);
  const http = [{ route: [{ destination: { host, subset: "v1" } }], timeout }];
  return value("networking.istio.io/v1", "VirtualService", service, { spec: { hosts: [host], http } });
}

function ruleObject(service: number): RawObject {
  const subsets = [{ name: "v1", labels: { version: "v1" } }];
  return value("networking.istio.io/v1", "DestinationRule", service, { spec: { host: nameOf(service), subsets } });
}

function value(apiVersion: string, kind: string, service: number, rest: object): RawObject {
  return { value: { apiVersion, kind, metadata: { name: nameOf(service), namespace: namespaceOf(service) }, ...rest } };
}
