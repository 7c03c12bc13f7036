import * as z from "zod";
import type { EndpointSlice } from "../model/service.ts";
import type { KindSchema } from "./kind-schema.ts";
import { lenientObject, metaOf } from "./metadata.ts";

/** Which Service a slice belongs to. */
const serviceLabel = "kubernetes.io/service-name";

const endpoint = z.object({
  addresses: z.array(z.string()),
  conditions: z.object({ ready: z.boolean().optional() }).optional(),
});

const schema = lenientObject({
  addressType: z.enum(["IPv4", "IPv6", "FQDN"]).describe("Host names (FQDN), which are deprecated, have no effect."),
  endpoints: z.array(endpoint).optional(),
  ports: z.array(z.object({ name: z.string().optional(), port: z.int().optional() })).optional(),
}).transform(({ metadata, addressType, endpoints = [], ports = [] }) => {
  const meta = metaOf(metadata);
  return {
    meta,
    spec: {
      service: meta.labels[serviceLabel] ?? "",
      // all addresses of an endpoint lead to the same place, and readers use the first
      endpoints: (addressType === "FQDN" ? [] : endpoints).flatMap(({ addresses: [address], conditions }) =>
        address === undefined ? [] : [{ address, ready: conditions?.ready ?? true }],
      ),
      ports: ports.flatMap(({ name = "", port }) => (port === undefined ? [] : [{ name, number: port }])),
    } satisfies EndpointSlice,
  };
});

/** Kubernetes EndpointSlice: where a Service without a selector leads to. */
export const endpointSlice: KindSchema<"EndpointSlice"> = {
  kind: "EndpointSlice",
  group: "discovery.k8s.io",
  versions: ["v1"],
  schema,
};
