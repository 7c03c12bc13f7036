import { expect, test } from "vitest";
import { pluginsFor } from "./select-plugins.ts";
import { gateway, make, mesh, web } from "./test-support/meshes.ts";
import type { WasmPlugin } from "./wasm-plugin.ts";

const plugin = (key: string, spec: Partial<WasmPlugin> = {}) => ({
  object: make("WasmPlugin", key, {
    url: "builtin://deadline",
    type: "HTTP",
    phase: "UNSPECIFIED_PHASE",
    pluginName: "",
    failStrategy: "FAIL_CLOSE",
    env: {},
    match: [],
    ...spec,
  }),
});
const names = (plugins: ReturnType<typeof plugin>[], proxy = web, direction: "inbound" | "outbound" = "outbound") =>
  pluginsFor(mesh({ plugins }), proxy, direction).map(({ plugin: { object }, ports }) =>
    ports === "all" ? object.meta.name : `${object.meta.name}:${ports.join()}`,
  );

test("of the proxy's namespace and the root namespace, where the selector fits", () => {
  expect(
    names([
      plugin("shop/mine"),
      plugin("other/foreign"),
      plugin("istio-system/everywhere"),
      plugin("shop/for-web", { selector: { app: "web" } }),
      plugin("shop/for-cart", { selector: { app: "cart" } }),
      plugin("istio-system/for-v1", { selector: { version: "v1" } }),
    ]),
  ).toEqual(["mine", "for-web", "everywhere", "for-v1"]);
});

test("by phase, then priority, and an unset priority runs after a negative one", () => {
  expect(
    names([
      plugin("shop/unset"),
      plugin("shop/minus", { priority: -5 }),
      plugin("shop/ten", { priority: 10 }),
      plugin("shop/stats", { phase: "STATS" }),
      plugin("shop/authz", { phase: "AUTHZ", priority: -9 }),
      plugin("shop/authn", { phase: "AUTHN" }),
    ]),
  ).toEqual(["authn", "authz", "stats", "ten", "minus", "unset"]);
});

test("match chooses direction and ports; one selector without ports means all of them", () => {
  const client = plugin("shop/client", { match: [{ mode: "CLIENT", ports: [81, 80] }] });
  const server = plugin("shop/server", { match: [{ mode: "SERVER", ports: [] }] });
  const both = plugin("shop/both", {
    match: [
      { mode: "CLIENT_AND_SERVER", ports: [80] },
      { mode: "CLIENT", ports: [] },
    ],
  });
  expect(names([client, server, both], web, "outbound")).toEqual(["client:80,81", "both"]);
  expect(names([client, server, both], web, "inbound")).toEqual(["server", "both:80"]);
});

test("a gateway's traffic is outbound", () => {
  const plugins = [
    plugin("istio-system/server", { match: [{ mode: "SERVER", ports: [] }] }),
    plugin("istio-system/any"),
  ];
  expect(names(plugins, gateway, "outbound")).toEqual(["any"]);
  expect(names(plugins, gateway, "inbound")).toEqual([]);
});
