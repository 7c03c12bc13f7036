import * as z from "zod";
import type { EgressListener, IngressListener, Sidecar, SidecarPort } from "../model/sidecar.ts";
import {
  type Complaint,
  defined,
  dnsLabel,
  duplicates,
  isIpAddress,
  namespacedHostComplaint,
  port,
  selectorLabels,
  text,
  withRule,
} from "./fields.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { protocolNamed } from "./protocol.ts";
import { protocolField } from "./service-entry.ts";
import { notYet, refused } from "./walk.ts";

const listenerPort = z.strictObject({
  number: port(),
  protocol: protocolField().describe("HTTP, HTTP2, GRPC, TCP; for egress also HTTP_PROXY."),
  name: dnsLabel().optional(),
  targetPort: notYet("has no impact on Sidecars"),
});

const bind = text((value) => (isIpAddress(value) ? undefined : "not an IP address")).optional();

const captureMode = z
  .enum(["DEFAULT", "IPTABLES", "NONE"])
  .optional()
  .describe("NONE: nothing is intercepted, the port is bound. Default: DEFAULT, what the proxy's bootstrap says.");

const defaultEndpoint = text((value) => {
  if (/^unix:\/\/(\/|@)./.test(value)) return undefined;
  const [, number] = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\]|):(\d+)$/.exec(value) ?? [];
  return Number(number) >= 1 && Number(number) <= 65535
    ? undefined
    : "must be 127.0.0.1:<port>, 0.0.0.0:<port>, [::1]:<port>, [::]:<port> or unix:///path";
});

const ingress = z.strictObject({
  port: listenerPort.describe("Of the workload: the target port of its services."),
  bind: bind.describe("IP address to listen on. Default: the proxy's own."),
  captureMode,
  defaultEndpoint: defaultEndpoint.optional().describe("Where the application listens."),
  tls: refused("is not supported yet: the port would be open without TLS"),
  connectionPool: notYet(),
});

const egress = z.strictObject({
  port: listenerPort.optional().describe("Default: the ports of the services."),
  bind: bind.describe("IP address to listen on."),
  captureMode,
  hosts: z
    .array(
      text((value) =>
        value.includes("/") ? namespacedHostComplaint(value) : "must be <namespace>/<host>: ./*, shop/* or */*",
      ),
    )
    .min(1)
    .describe("namespace/host; . is the own namespace, * any, ~namespace/host takes out."),
});

const fields = z.strictObject({
  workloadSelector: z
    .strictObject({ labels: selectorLabels().optional() })
    .optional()
    .describe("Default: all workloads of the namespace; in the root namespace, of the mesh."),
  ingress: z.array(ingress).optional().describe("Ports that others reach. Default: all of the workload's services."),
  egress: z.array(egress).optional().describe("Services that the workload reaches. Default: all of the mesh."),
  outboundTrafficPolicy: z
    .strictObject({
      mode: z.enum(["REGISTRY_ONLY", "ALLOW_ANY"]).optional().describe("REGISTRY_ONLY: they fail."),
      egressProxy: notYet(),
    })
    .optional()
    .describe("What happens to calls of hosts that no service has. Default: that of the mesh, ALLOW_ANY."),
  inboundConnectionPool: notYet(),
});

type Fields = z.output<typeof fields>;

function rules(spec: Fields): Complaint[] {
  const { ingress: inbound = [], egress: outbound = [] } = spec;
  const samePort = (number: string): string => `is ${number}: another listener has the same port`;
  const complaints: Complaint[] = [
    ...duplicates(inbound, { of: (one) => one.port.number, path: (i) => ["ingress", i, "port", "number"] }, samePort),
    ...duplicates(outbound, { of: (one) => one.port?.number, path: (i) => ["egress", i, "port", "number"] }, samePort),
    ...outbound.flatMap((one, i) =>
      one.port === undefined && i < outbound.length - 1
        ? [{ path: ["egress", i], message: "has no port: such a listener must be the last, and only one" }]
        : [],
    ),
  ];
  const empty = inbound.length + outbound.length === 0 && !spec.outboundTrafficPolicy && !spec.inboundConnectionPool;
  return empty ? [...complaints, { message: "is empty: write ingress or egress" }] : complaints;
}

function readPort({ number, protocol, name }: z.output<typeof listenerPort>): SidecarPort {
  return { number, protocol: protocolNamed(protocol) ?? "TCP", name: name ?? "" };
}

function readIngress(input: z.output<typeof ingress>): IngressListener {
  return defined({
    port: readPort(input.port),
    bind: input.bind || undefined,
    captureMode: input.captureMode ?? "DEFAULT",
    defaultEndpoint: input.defaultEndpoint,
  });
}

function readEgress(input: z.output<typeof egress>): EgressListener {
  return defined({
    port: input.port && readPort(input.port),
    bind: input.bind || undefined,
    captureMode: input.captureMode ?? "DEFAULT",
    hosts: input.hosts.map((host) => host.toLowerCase()),
  });
}

const schema = strictObject(withRule(fields, rules)).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: defined({
    workloadSelector: spec.workloadSelector && (spec.workloadSelector.labels ?? {}),
    ingress: spec.ingress?.map(readIngress),
    egress: spec.egress?.map(readEgress),
    // a policy without mode is the first of Istio's enumeration
    outboundTrafficPolicy: spec.outboundTrafficPolicy && (spec.outboundTrafficPolicy.mode ?? "REGISTRY_ONLY"),
  }) satisfies Sidecar,
}));

/** Istio Sidecar. */
export const sidecar: KindSchema<"Sidecar"> = {
  kind: "Sidecar",
  ...networking,
  schema,
  shown: { description: "Which ports a workload's proxy serves, and which services it reaches." },
};
