import * as z from "zod";
import type { Meta } from "../model/object.ts";
import type { VirtualService } from "../model/virtual-service.ts";
import { deadlineComplaints, withDeadlines } from "./deadline-annotations.ts";
import { type Complaint, exportTo, host, isDnsLabel, text, withRule } from "./fields.ts";
import { httpRoute, readRoute } from "./http-route.ts";
import { show } from "./issues.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { notYet } from "./walk.ts";

const meshGateway = "mesh";

const gatewayName = text((value) => {
  const parts = value.split("/");
  if (parts.length > 2) return "must be <namespace>/<name> or <name>";
  const [name = "", namespace = "x"] = parts.toReversed();
  if (namespace !== "." && !isDnsLabel(namespace)) return `${show(namespace)} is not a namespace`;
  return isDnsLabel(name) ? undefined : `${show(name)} is not the name of a Gateway; write <namespace>/<name>`;
});

const fields = z.strictObject({
  hosts: z.array(host()).min(1).describe("Names that clients use; short names are of the own namespace."),
  gateways: z
    .array(gatewayName)
    .optional()
    .describe("Gateways that it configures; mesh stands for all sidecars. Default: mesh."),
  http: z.array(httpRoute).optional().describe("In order; the first match wins."),
  tcp: notYet(),
  tls: notYet(),
  exportTo: exportTo(),
});

type Fields = z.output<typeof fields>;

function rules({ hosts, gateways = [], http = [], ...others }: Fields): Complaint[] {
  const complaints: Complaint[] = hosts.flatMap((one, i) =>
    hosts.slice(0, i).includes(one)
      ? [{ path: ["hosts", i], message: `is ${show(one)}: duplicate hosts in virtual service` }]
      : [],
  );
  if (gateways.length === 0 || gateways.every((name) => name === meshGateway))
    for (const [i, one] of hosts.entries())
      if (one === "*")
        complaints.push({
          path: ["hosts", i],
          message:
            'is "*": wildcard host * is not allowed for virtual services bound to the mesh gateway; name the host, or a Gateway',
        });
  if (http.length === 0) {
    const beside = others.tcp !== undefined || others.tls !== undefined ? ": tcp and tls have no effect yet" : "";
    complaints.push({ path: ["http"], message: `is missing: http must be provided in virtual service${beside}` });
  }
  return complaints;
}

function read(
  { hosts, gateways = [], http = [], exportTo: visible = [] }: Fields,
  { annotations }: Meta,
): VirtualService {
  return {
    hosts: hosts.map((one) => one.toLowerCase()),
    gateways: gateways.length > 0 ? gateways : [meshGateway],
    exportTo: visible,
    http: withDeadlines(annotations, http.map(readRoute)),
  };
}

const object = withRule(strictObject(withRule(fields, rules)), ({ metadata, spec }) =>
  deadlineComplaints(metadata.annotations, spec.http ?? []),
);

const schema = object.transform(({ metadata, spec }) => {
  const meta = metaOf(metadata);
  return { meta, spec: read(spec, meta) };
});

/** Istio VirtualService. */
export const virtualService: KindSchema<"VirtualService"> = {
  kind: "VirtualService",
  ...networking,
  schema,
  shown: {
    description: "How requests to hosts are routed.",
    shortNames: ["vs"],
    columns: [
      { name: "Gateways", type: "string", jsonPath: ".spec.gateways" },
      { name: "Hosts", type: "string", jsonPath: ".spec.hosts" },
    ],
  },
};
