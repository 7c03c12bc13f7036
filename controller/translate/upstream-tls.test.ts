import type { JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { json } from "./test-support/json.ts";
import * as model from "./test-support/model.ts";
import { translate } from "./translate.ts";

describe("what a cluster speaks with its endpoints", () => {
  const mutual = { mutualTls: new Set([8080]) };
  const taking = {
    all: [model.endpoint("10.0.0.1", {}, mutual)],
    some: [model.endpoint("10.0.0.1", {}, mutual), model.endpoint("10.0.0.2")],
    none: [model.endpoint("10.0.0.2")],
  };
  const secure = { subjectAltNames: [], insecureSkipVerify: false };
  test.each`
    rule                                                                                        | endpoints | service                   | speaks
    ${undefined}                                                                                | ${"all"}  | ${{}}                     | ${"mutual TLS with those that take it"}
    ${undefined}                                                                                | ${"some"} | ${{}}                     | ${"mutual TLS with those that take it"}
    ${undefined}                                                                                | ${"none"} | ${{}}                     | ${"plain text"}
    ${undefined}                                                                                | ${"all"}  | ${{ external: true }}     | ${"plain text"}
    ${undefined}                                                                                | ${"all"}  | ${{ resolution: "NONE" }} | ${"mutual TLS"}
    ${undefined}                                                                                | ${"some"} | ${{ resolution: "NONE" }} | ${"plain text"}
    ${{ tls: { mode: "DISABLE" } }}                                                             | ${"all"}  | ${{}}                     | ${"plain text"}
    ${{ tls: { mode: "ISTIO_MUTUAL" } }}                                                        | ${"none"} | ${{}}                     | ${"mutual TLS"}
    ${{ tls: { mode: "SIMPLE" } }}                                                              | ${"all"}  | ${{}}                     | ${"TLS"}
    ${{ tls: { mode: "SIMPLE" }, portLevelSettings: [{ port: 80, tls: { mode: "DISABLE" } }] }} | ${"all"}  | ${{}}                     | ${"plain text"}
    ${{ tls: { mode: "DISABLE" }, portLevelSettings: [{ port: 80 }] }}                          | ${"all"}  | ${{}}                     | ${"mutual TLS with those that take it"}
  `("rule $rule, $endpoints take it, $service: $speaks", ({ rule, endpoints, service, speaks }) => {
    const tls = (one: { tls?: object }) => (one.tls ? { ...one, tls: { ...secure, ...one.tls } } : one);
    const trafficPolicy = rule && {
      ...tls(rule),
      ...(rule.portLevelSettings && { portLevelSettings: rule.portLevelSettings.map(tls) }),
    };
    const spec = { host: "catalog", trafficPolicy, subsets: [], exportTo: [] };
    const destinationRules = rule ? [model.object("DestinationRule", "r", spec)] : [];
    const services = [model.service("catalog", { endpoints: taking[endpoints as keyof typeof taking], ...service })];
    const mesh = model.mesh({ services, destinationRules });
    const found = translate(mesh, model.proxy()).resources.CDS.get("outbound|80||catalog.shop.svc.cluster.local");
    expect(found && spoken(json(found))).toBe(speaks);
  });
});

test.each`
  serviceAccount | names
  ${"catalog"}   | ${'"exact":"spiffe://cluster.local/ns/shop/sa/catalog"'}
  ${""}          | ${'"prefix":"spiffe://cluster.local/"'}
`("mutual TLS with endpoints of the service account '$serviceAccount' expects $names", ({ serviceAccount, names }) => {
  const endpoints = [model.endpoint("10.0.0.1", {}, { serviceAccount })];
  const tls = { mode: "ISTIO_MUTUAL" as const, subjectAltNames: [], insecureSkipVerify: false };
  const rule = { host: "catalog", trafficPolicy: { tls }, subsets: [], exportTo: [] };
  const mesh = model.mesh({
    services: [model.service("catalog", { endpoints })],
    destinationRules: [model.object("DestinationRule", "r", rule)],
  });
  const found = translate(mesh, model.proxy()).resources.CDS.get("outbound|80||catalog.shop.svc.cluster.local");
  expect(found && JSON.stringify(json(found))).toContain(
    `"match_typed_subject_alt_names":[{"san_type":"URI","matcher":{${names}}}]`,
  );
});

function spoken({ transport_socket, transport_socket_matches }: JsonObject): string {
  if (transport_socket_matches) return "mutual TLS with those that take it";
  if (!transport_socket) return "plain text";
  return JSON.stringify(transport_socket).includes('"default"') ? "mutual TLS" : "TLS";
}
