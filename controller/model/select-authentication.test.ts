import { describe, expect, test } from "vitest";
import type { MeshObject } from "./object.ts";
import type { MutualTlsMode } from "./peer-authentication.ts";
import { modeOf, mutualTlsModes, takesMutualTls } from "./select-authentication.ts";
import { make, mesh } from "./test-support/meshes.ts";

type Mode = MutualTlsMode | "UNSET";

function policy(
  key: string,
  mode: Mode,
  more: { selector?: Record<string, string>; ports?: Record<number, Mode> } = {},
): MeshObject<"PeerAuthentication"> {
  const ports = Object.entries(more.ports ?? {}).map(([port, one]) => [Number(port), one] as const);
  return make("PeerAuthentication", key, {
    mode,
    portLevelMtls: new Map(ports),
    ...(more.selector && { selector: more.selector }),
  });
}

const web = { app: "web" };

describe("the mode of a workload web in namespace shop", () => {
  test.each`
    policies                                                                                  | mode
    ${[]}                                                                                     | ${"PERMISSIVE"}
    ${[policy("istio-system/mesh", "STRICT")]}                                                | ${"STRICT"}
    ${[policy("istio-system/mesh", "STRICT"), policy("shop/ns", "DISABLE")]}                  | ${"DISABLE"}
    ${[policy("shop/ns", "DISABLE"), policy("istio-system/mesh", "STRICT")]}                  | ${"DISABLE"}
    ${[policy("istio-system/mesh", "STRICT"), policy("shop/ns", "UNSET")]}                    | ${"STRICT"}
    ${[policy("bank/ns", "STRICT")]}                                                          | ${"PERMISSIVE"}
    ${[policy("shop/ns", "STRICT"), policy("shop/w", "DISABLE", { selector: web })]}          | ${"DISABLE"}
    ${[policy("shop/ns", "STRICT"), policy("shop/w", "UNSET", { selector: web })]}            | ${"STRICT"}
    ${[policy("shop/ns", "STRICT"), policy("shop/w", "DISABLE", { selector: { app: "x" } })]} | ${"STRICT"}
    ${[policy("shop/a", "STRICT"), policy("shop/b", "DISABLE")]}                              | ${"STRICT"}
    ${[policy("shop/ns", "STRICT", { selector: {} })]}                                        | ${"STRICT"}
    ${[policy("istio-system/w", "STRICT", { selector: web })]}                                | ${"STRICT"}
    ${[policy("bank/w", "STRICT", { selector: web })]}                                        | ${"PERMISSIVE"}
  `("$mode, row %#", ({ policies, mode }) => {
    const modes = mutualTlsModes(mesh({ peerAuthentications: policies }), { namespace: "shop", labels: web });
    expect(modeOf(modes, 8080)).toBe(mode);
  });

  test.each`
    port    | mode
    ${8080} | ${"DISABLE"}
    ${8081} | ${"STRICT"}
    ${8082} | ${"STRICT"}
  `("of port $port: $mode", ({ port, mode }) => {
    const ports = { 8080: "DISABLE", 8081: "UNSET" } as const;
    const policies = [policy("shop/ns", "STRICT"), policy("shop/w", "UNSET", { selector: web, ports })];
    const modes = mutualTlsModes(mesh({ peerAuthentications: policies }), { namespace: "shop", labels: web });
    expect(modeOf(modes, port)).toBe(mode);
  });
});

test.each`
  labels                                         | takes
  ${{ "security.istio.io/tlsMode": "istio" }}    | ${true}
  ${{ "security.istio.io/tlsMode": "disabled" }} | ${false}
  ${{}}                                          | ${false}
`("a workload with the labels $labels takes mutual TLS: $takes", ({ labels, takes }) => {
  expect(takesMutualTls(labels)).toBe(takes);
});
