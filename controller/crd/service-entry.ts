import * as z from "zod";
import type { ServiceEntry, ServicePort } from "../model/service.ts";
import { withCel } from "./cel.ts";
import {
  type Complaint,
  defined,
  dnsLabel,
  duplicates,
  exportTo,
  hostComplaint,
  isDnsName,
  isIpAddress,
  port,
  selectorLabels,
  text,
  withRule,
} from "./fields.ts";
import { oneOf } from "./issues.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { protocolNamed, protocolNames, protocolOfPort } from "./protocol.ts";
import { notYet } from "./walk.ts";
import { readWorkload, workload } from "./workload-entry.ts";

export const protocolField = () =>
  text((value) => (protocolNamed(value) ? undefined : `must be ${oneOf(protocolNames)}`));

const servicePort = z.strictObject({
  number: port(),
  name: dnsLabel(),
  protocol: protocolField().optional().describe("Default: by the part of the name before the first -, else TCP."),
  targetPort: port().optional().describe("Port of the endpoints. Default: number."),
});

const address = text((value) => {
  const [ip = "", bits] = value.split("/");
  const bitsMax = ip.includes(":") ? 128 : 32;
  const fits = bits === undefined || (/^\d+$/.test(bits) && Number(bits) <= bitsMax);
  return isIpAddress(ip) && fits ? undefined : "not an IP address or CIDR block";
});

const fields = z.strictObject({
  hosts: z
    .array(text((value) => (value === "*" ? "a ServiceEntry can't stand for all hosts" : hostComplaint(value))))
    .min(1)
    .describe("Names that clients use."),
  addresses: z
    .array(address.meta({ maxLength: 64 }))
    .meta({ maxItems: 256 })
    .optional()
    .describe("Virtual IPs or CIDR blocks."),
  ports: z.array(servicePort).optional().describe("Ports by which clients call it."),
  location: z.enum(["MESH_EXTERNAL", "MESH_INTERNAL"]).optional().describe("Default: MESH_EXTERNAL."),
  resolution: z
    .enum(["NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN"])
    .optional()
    .describe("How Envoy learns the endpoints. Default: NONE, the request's own destination."),
  endpoints: z.array(workload).optional().describe("Where it runs. Default: with DNS, the hosts themselves."),
  workloadSelector: z
    .strictObject({ labels: selectorLabels().optional() })
    .optional()
    .describe("Chooses WorkloadEntries and Pods of the namespace instead of endpoints."),
  exportTo: exportTo({ nobody: true }),
  subjectAltNames: notYet("has no effect yet; write tls.subjectAltNames in a DestinationRule"),
});

type Fields = z.output<typeof fields>;

const besideSelector = "stands beside workloadSelector: only one of them can say where to go";
const withoutUse = "has no use with resolution NONE; write resolution: STATIC, or DNS for host names";
const cidrBlocks = "CIDR blocks need resolution NONE or STATIC";

const spec = withCel(
  withRule(fields, rules),
  {
    rule: "!(has(self.workloadSelector) && has(self.endpoints))",
    message: besideSelector,
    fieldPath: ".endpoints",
  },
  {
    rule: `!(has(self.endpoints) && self.endpoints.size() > 0 && (!has(self.resolution) || self.resolution == "NONE"))`,
    message: withoutUse,
    fieldPath: ".endpoints",
  },
  {
    rule: `!(has(self.resolution) && self.resolution.startsWith("DNS") && has(self.addresses) && self.addresses.exists(one, one.contains("/")))`,
    message: cidrBlocks,
    fieldPath: ".addresses",
  },
);

function rules(spec: Fields): Complaint[] {
  const { endpoints = [], ports = [], resolution = "NONE" } = spec;
  const names = ports.map(({ name }) => name);
  const complaints: Complaint[] = [
    ...duplicates(
      ports,
      { of: ({ name }) => name, path: (i) => ["ports", i, "name"] },
      (name) => `is ${name}: another port has the same name`,
    ),
    ...duplicates(
      ports,
      { of: ({ number }) => number, path: (i) => ["ports", i, "number"] },
      (number) => `is ${number}: another port has the same number`,
    ),
    ...endpoints.flatMap(({ ports: own = {} }, i) =>
      Object.keys(own)
        .filter((name) => !names.includes(name))
        .map((name) => ({
          path: ["endpoints", i, "ports", name],
          message: `is not a port of spec.ports, which has ${names.join(", ") || "none"}`,
        })),
    ),
  ];
  if (spec.workloadSelector && spec.endpoints) complaints.push({ path: ["endpoints"], message: besideSelector });
  if (resolution === "NONE" && endpoints.length > 0) complaints.push({ path: ["endpoints"], message: withoutUse });
  return [...complaints, ...addressRules(spec, resolution)];
}

function addressRules({ endpoints = [], hosts, addresses = [] }: Fields, resolution: string): Complaint[] {
  if (resolution === "STATIC")
    return endpoints.flatMap(({ address: own }, i) =>
      isIpAddress(own)
        ? []
        : [
            {
              path: ["endpoints", i, "address"],
              message: `is "${own}": must be an IP address under resolution STATIC; write resolution: DNS for host names`,
            },
          ],
    );
  if (!resolution.startsWith("DNS")) return [];
  const complaints: Complaint[] = [];
  if (endpoints.length === 0)
    for (const [i, host] of hosts.entries())
      if (!isDnsName(host))
        complaints.push({
          path: ["hosts", i],
          message: `is "${host}", which can't be resolved: write endpoints, or a name without wildcard`,
        });
  if (resolution === "DNS_ROUND_ROBIN" && endpoints.length > 1)
    complaints.push({
      path: ["endpoints"],
      message: `has ${endpoints.length} entries: resolution DNS_ROUND_ROBIN takes one`,
    });
  for (const [i, own] of addresses.entries())
    if (own.includes("/")) complaints.push({ path: ["addresses", i], message: `is "${own}": ${cidrBlocks}` });
  return complaints;
}

function readPort({ number, name, protocol, targetPort }: z.output<typeof servicePort>): ServicePort {
  const spoken = protocolNamed(protocol ?? "") ?? protocolOfPort({ name }) ?? "TCP";
  return { name, number, protocol: spoken, targetPort: targetPort ?? number };
}

const schema = strictObject(spec).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: defined({
    hosts: spec.hosts.map((host) => host.toLowerCase()),
    addresses: spec.addresses ?? [],
    ports: (spec.ports ?? []).map(readPort),
    location: spec.location ?? "MESH_EXTERNAL",
    resolution: spec.resolution ?? "NONE",
    endpoints: (spec.endpoints ?? []).map(readWorkload),
    workloadSelector: spec.workloadSelector && (spec.workloadSelector.labels ?? {}),
    exportTo: spec.exportTo ?? [],
  }) satisfies ServiceEntry,
}));

/** Istio ServiceEntry. */
export const serviceEntry: KindSchema<"ServiceEntry"> = {
  kind: "ServiceEntry",
  ...networking,
  schema,
  shown: {
    description: "A service that Kubernetes does not know of.",
    shortNames: ["se"],
    columns: [
      { name: "Hosts", type: "string", jsonPath: ".spec.hosts" },
      { name: "Location", type: "string", jsonPath: ".spec.location" },
      { name: "Resolution", type: "string", jsonPath: ".spec.resolution" },
    ],
  },
};
