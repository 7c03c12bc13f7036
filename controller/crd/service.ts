import * as z from "zod";
import { codes } from "../model/codes.ts";
import type { Service, ServicePort } from "../model/service.ts";
import { defined, duplicates, labels, port, withRule } from "./fields.ts";
import type { KindSchema, Remark } from "./kind-schema.ts";
import { lenientObject, metaOf } from "./metadata.ts";
import { protocolOfPort } from "./protocol.ts";

const servicePort = z.object({
  name: z
    .string()
    .optional()
    .describe("Its part before the first - names the protocol: http-web. Required where there are several ports."),
  port: port().describe("Where clients call."),
  targetPort: z
    .union([port(), z.string().min(1)], { error: "must be a port number (1 to 65535) or the name of a container port" })
    .optional()
    .describe("Port of the pods, a number or a container port's name. Default: port."),
  protocol: z.enum(["TCP", "UDP", "SCTP"]).optional().describe("Default: TCP."),
  appProtocol: z.string().optional().describe("What the port speaks; before the port's name."),
});

type PortInput = z.output<typeof servicePort>;

const ports = withRule(z.array(servicePort), (value) => [
  ...duplicates(value, { of: ({ name }) => name ?? "", path: (i) => [i, "name"] }, (name) =>
    name === '""' ? "is missing: with several ports each needs a name" : `is ${name}: another port has the same name`,
  ),
  ...duplicates(
    value,
    { of: (item) => `${item.protocol ?? "TCP"} ${item.port}`, path: (i) => [i, "port"] },
    (key) => `is ${key.replace(/\D/g, "")}: another port has the same number`,
  ),
]);

function readPort({ name, port: number, targetPort, ...rest }: PortInput): ServicePort {
  const protocol = protocolOfPort({ name, ...rest }) ?? "TCP";
  return { name: name ?? "", number, protocol, targetPort: targetPort ?? number };
}

const specSchema = z.object({
  ports: ports.optional(),
  selector: labels().optional().describe("Labels of the pods it leads to."),
  clusterIP: z.string().optional().describe("Virtual IP; None: headless."),
  publishNotReadyAddresses: z.boolean().optional().describe("Pods take traffic before they are ready. Default: false."),
  sessionAffinity: z.string().optional(),
  internalTrafficPolicy: z.string().optional(),
  trafficDistribution: z.string().optional(),
  type: z.enum(["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"]).optional(),
});

const schema = lenientObject({ spec: specSchema }).transform(({ metadata, spec }) => {
  const ports = (spec.ports ?? []).filter(({ protocol }) => protocol !== "SCTP");
  return {
    meta: metaOf(metadata),
    spec: defined({
      ports: ports.map(readPort),
      selector: spec.selector,
      clusterIP: spec.clusterIP === "None" || spec.clusterIP === "" ? undefined : spec.clusterIP,
      publishNotReadyAddresses: spec.publishNotReadyAddresses || undefined,
    }) satisfies Service,
    remarks: [
      ...(spec.ports ?? []).flatMap((item, i) => (isUnnamed(item) ? [namingRemark(item, i)] : [])),
      ...withoutEffect(spec),
    ],
  };
});

/** Kubernetes Service. Its port names and appProtocol decide whether Envoy sees requests or bytes. */
export const service: KindSchema<"Service"> = { kind: "Service", group: "", versions: ["v1"], schema };

type SpecInput = z.output<typeof specSchema>;

/** Fields that Kubernetes acts on and the mesh does not, and the values of them that change nothing. */
const unheeded = {
  type: { usual: ["ClusterIP", "NodePort", "LoadBalancer"], text: "; write a ServiceEntry for the name" },
  sessionAffinity: { usual: ["None", ""], text: ": each request may go to another pod" },
  internalTrafficPolicy: { usual: ["Cluster", ""], text: ": calls go to pods of all nodes" },
  trafficDistribution: { usual: [""], text: ": calls go to pods of all zones and nodes" },
} as const satisfies Partial<Record<keyof SpecInput, { readonly usual: readonly string[]; readonly text: string }>>;

function withoutEffect(spec: SpecInput): readonly Remark[] {
  return (Object.keys(unheeded) as (keyof typeof unheeded)[]).flatMap((field) => {
    const value = spec[field];
    const { usual, text } = unheeded[field];
    if (value === undefined || usual.some((one) => one === value)) return [];
    const message = `is ${value}, which has no effect yet${text}`;
    return [{ severity: "warning", code: codes.noEffect, path: ["spec", field], message }];
  });
}

function isUnnamed(item: PortInput): boolean {
  return item.protocol !== "SCTP" && protocolOfPort(item) === undefined;
}

function namingRemark({ name = "" }: PortInput, index: number): Remark {
  return {
    severity: "info",
    code: codes.portNaming,
    path: ["spec", "ports", index, "name"],
    message: `is "${name}", which names no protocol: the port is treated as TCP, without routes and HTTP plugins; write http-${name || "web"}, or set appProtocol`,
  };
}
