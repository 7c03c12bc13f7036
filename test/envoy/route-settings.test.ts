import { expect, test } from "vitest";
import { freePort, startEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";

// Why settings for a route go by its metadata: the host has no other way either.

test("Envoy refuses a route with a configuration of its own for a plugin", async () => {
  const config = { "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", config: {} };
  const routes = [
    { match: { path: "/own" }, direct_response: { status: 200 }, typed_per_filter_config: { deadline: config } },
  ];
  const plugins = [{ name: "deadline", module: await filterModule("deadline") }];
  const chain = { direction: "INBOUND", port: await freePort(), upstreamPorts: [await freePort()] } as const;
  await expect(startEnvoy(filterBootstrap([{ ...chain, plugins, routes }]))).rejects.toThrow(
    "The filter deadline doesn't support virtual host or route specific configurations",
  );
});
