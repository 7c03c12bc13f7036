import * as z from "zod";
import type { WorkloadEntry } from "../model/workload.ts";
import { count, defined, isDnsName, isIpAddress, labels, port, text } from "./fields.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { notYet } from "./walk.ts";

const address = text((value) => {
  if (value.startsWith("unix://")) return "unix sockets are not supported; write an IP address and ports";
  return isIpAddress(value) || isDnsName(value) ? undefined : "not an IP address or a host name";
});

/** The fields of a workload; also an endpoint inside a ServiceEntry. */
export const workload = z.strictObject({
  address: address.describe("IP address, or a host name where the ServiceEntry's resolution is DNS."),
  ports: z.record(z.string(), port()).optional().describe("Port name to number, where it is not the target port."),
  labels: labels().optional().describe("By which ServiceEntries, subsets and policies select it."),
  serviceAccount: z.string().optional().describe("Default: none."),
  locality: z.string().optional().describe("region/zone/subzone"),
  weight: count().optional().describe("Share of the traffic. Default: 1."),
  network: notYet("has no effect yet: all workloads are taken to be in one network"),
});

export function readWorkload(input: z.output<typeof workload>): WorkloadEntry {
  return defined({
    address: input.address,
    ports: input.ports ?? {},
    labels: input.labels ?? {},
    serviceAccount: input.serviceAccount ?? "",
    locality: input.locality || undefined,
    weight: input.weight || 1, // 0 is how protobuf writes "not set"
  });
}

const schema = strictObject(workload).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: readWorkload(spec),
}));

/** Istio WorkloadEntry. */
export const workloadEntry: KindSchema<"WorkloadEntry"> = {
  kind: "WorkloadEntry",
  ...networking,
  schema,
  shown: {
    description: "A workload that is no pod.",
    shortNames: ["we"],
    columns: [{ name: "Address", type: "string", jsonPath: ".spec.address" }],
  },
};
