import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { defaultSettings } from "../model/mesh.ts";
import { istioLabels } from "../model/telemetry.ts";
import { type BootstrapOptions, bootstrap } from "./bootstrap.ts";

const options: BootstrapOptions = {
  proxy: {
    id: "sidecar~127.0.18.2~catalog-1.istioinaction~istioinaction.svc.cluster.local",
    type: "sidecar",
    ip: "127.0.18.2",
    name: "catalog-1",
    namespace: "istioinaction",
    labels: { app: "catalog", version: "v1" },
    serviceAccount: "catalog",
    workload: "catalog",
    interception: "NONE",
    version: "",
  },
  settings: defaultSettings,
  locality: "r1/z1",
  xds: { address: "127.0.0.1", port: 15010 },
  adminSocket: "/run/envoy/admin.sock",
  listen: {
    prometheus: { address: "127.0.18.2", port: 15090 },
    ready: { address: "127.0.18.2", port: 15021 },
    admin: { address: "127.0.18.2", port: 15000 },
  },
  heapBytesMax: 800 << 20,
};

describe("bootstrap", () => {
  test("of a sidecar", async () => {
    await expect(stringify(bootstrap(options), { lineWidth: 120, aliasDuplicateObjects: false })).toMatchFileSnapshot(
      "testdata/bootstrap.yaml",
    );
  });

  test("takes all of Istio's labels out of a metric's name", () => {
    const config = bootstrap(options) as { stats_config: { stats_tags: { tag_name: string; regex: string }[] } };
    const valueOf = (label: string) => `value of ${label}: a.b/c:1;d\n;e`;
    const labels = istioLabels.map((label) => `${label}=.=${valueOf(label)};.;`).join("");
    const name = `wasmcustom.${labels}istio_requests_total`;
    const found = config.stats_config.stats_tags.flatMap(({ tag_name, regex }) => {
      const match = new RegExp(regex.replaceAll("[:digit:]", "0-9")).exec(name);
      return match ? [[tag_name, match[2]]] : [];
    });
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(istioLabels.map((label) => [label, valueOf(label)])));
  });
});
