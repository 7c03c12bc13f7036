// What several attributes cost a filter in Envoy: read one by one, and by one expression.
import { freePort, startEnvoy } from "../support/envoy.ts";
import { filterBootstrap } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream } from "../support/upstream.ts";
import type { Measurement } from "./figures.ts";

const requests = 5;

export const attributeCost: Measurement = async (resources) => {
  const module = await sourceModule("sdk/assembly/testing/attribute-cost.ts");
  const peer = await startUpstream((_, response) => response.end());
  resources.defer(() => peer.stop());
  const port = await freePort();
  const plugins = [{ name: "cost", module }];
  const bootstrap = filterBootstrap([{ direction: "INBOUND", port, upstreamPorts: [peer.port], plugins }]);
  const envoy = await startEnvoy(bootstrap, { args: ["--component-log-level", "wasm:info"] });
  resources.defer(() => envoy.stop());
  await envoy.live();
  for (let i = 0; i < requests; i++) await call({ host: "127.0.0.1", port });
  const samples = new Map<string, number[]>();
  for (const [, what = "", ns] of envoy.output().matchAll(/cost: (.*): (\d+) ns$/gm)) {
    samples.set(what, [...(samples.get(what) ?? []), Number(ns)]);
  }
  const how = `in a real Envoy, least of 30 rounds of 50 in each of ${requests} requests`;
  return [...samples].map(([what, values]) => ({ what, samples: values, unit: "ns", how }));
};
