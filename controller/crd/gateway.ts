import * as z from "zod";
import type { Gateway, GatewayServer } from "../model/gateway.ts";
import {
  type Complaint,
  defined,
  dnsLabel,
  duplicates,
  labels,
  namespacedHostComplaint,
  port,
  text,
  withRule,
} from "./fields.ts";
import { type KindSchema, networking } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { protocolNamed } from "./protocol.ts";
import { protocolField } from "./service-entry.ts";
import { notYet, refused } from "./walk.ts";

const serverPort = z.strictObject({
  number: port(),
  name: dnsLabel().describe("Unique within the Gateway."),
  protocol: withRule(protocolField(), (value) =>
    ["HTTPS", "TLS"].includes(value.toUpperCase())
      ? [{ message: `is "${value}": TLS is not supported yet, and the port must not be open without it; write HTTP` }]
      : [],
  ).describe("HTTP, HTTP2, GRPC or TCP."),
  targetPort: notYet("has no impact on Gateways"),
});

const server = z.strictObject({
  port: serverPort.describe("Port of the gateway's Service."),
  hosts: z.array(text(namespacedHostComplaint)).min(1).describe("[namespace/]host; * and *.suffix allowed."),
  name: z.string().optional().describe("For people. Default: none."),
  tls: refused("is not supported yet: the port would be open without TLS"),
  bind: refused("is not supported yet: the port would be open on all addresses"),
  defaultEndpoint: notYet(),
});

const fields = z.strictObject({
  selector: labels().optional().describe("Labels of the gateway pods, in any namespace. Default: all gateways."),
  servers: z.array(server).min(1).describe("Ports to listen on, each with the hosts that are served there."),
});

function rules({ servers }: z.output<typeof fields>): Complaint[] {
  return duplicates(
    servers,
    { of: (one) => one.port.name, path: (i) => ["servers", i, "port", "name"] },
    (name) => `is ${name}: port names in servers must be unique: duplicate name ${JSON.parse(name)}`,
  );
}

function readServer(input: z.output<typeof server>): GatewayServer {
  const { number, name, protocol } = input.port;
  return defined({
    port: { number, name, protocol: protocolNamed(protocol) ?? "TCP" },
    hosts: input.hosts.map((host) => host.toLowerCase()),
    name: input.name,
  });
}

const schema = strictObject(withRule(fields, rules)).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: { selector: spec.selector ?? {}, servers: spec.servers.map(readServer) } satisfies Gateway,
}));

/** Istio Gateway. */
export const gateway: KindSchema<"Gateway"> = {
  kind: "Gateway",
  ...networking,
  schema,
  shown: { description: "Ports and hosts that gateway proxies serve.", shortNames: ["gw"] },
};
