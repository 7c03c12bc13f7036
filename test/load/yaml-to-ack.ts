// From saving a YAML file to the last proxy's ACK, by the controller's own record of when each ACK came.

import type { ProxySync, SyncType } from "../../controller/status/sync.ts";
import type { TestMesh } from "../support/mesh.ts";
import { markModule } from "../support/modules.ts";
import { virtualService, wasmPlugin } from "../support/yaml.ts";
import type { Measurement } from "./figures.ts";
import { smallMesh } from "./small-mesh.ts";

const times = 20;

interface Change {
  readonly what: string;
  readonly file: (n: number) => string;
  readonly yaml: (n: number) => string;
  /** How many proxies are sent something of a type. */
  readonly awaited: Partial<Record<SyncType, number>>;
}

export const yamlToAck: Measurement = async (resources) => {
  const url = await markModule("a");
  const changes: readonly Change[] = [
    {
      what: "a WasmPlugin's configuration",
      file: () => "mark.yaml",
      yaml: (n) => wasmPlugin({ name: "mark", url, config: { mark: `${n}` } }).replace("shop", "istio-system"), // for all proxies
      awaited: { ECDS: 3 },
    },
    {
      what: "a VirtualService's timeout",
      file: () => "timeout.yaml",
      yaml: (n) => virtualService("catalog", `timeout: ${n + 1}s`),
      awaited: { RDS: 2 },
    },
    { what: "a new Service", file: (n) => `extra-${n}.yaml`, yaml: serviceYaml, awaited: { CDS: 3, EDS: 3, RDS: 2 } },
  ];
  const mesh = await smallMesh(resources);
  const figures = [];
  for (const change of changes) {
    const samples: number[] = [];
    for (let n = 0; n <= times; n++) {
      const ms = await savedToAck(mesh, change, n);
      if (n > 0) samples.push(ms); // the first makes the object
    }
    const awaited = Object.entries(change.awaited).map(([type, proxies]) => `${type} by ${proxies}`);
    const how = `3 proxies; acknowledged: ${awaited.join(", ")}; the controller's time of the last ACK, to 1 ms`;
    figures.push({ what: `YAML saved to last ACK: ${change.what}`, samples, unit: "ms", how });
  }
  return figures;
};

async function savedToAck(mesh: TestMesh, { file, yaml, awaited }: Change, n: number): Promise<number> {
  const savedAtMs = Date.now();
  await mesh.apply(file(n), yaml(n));
  const lastAckAtMs = await mesh.waitFor(
    async () => {
      const proxies = JSON.parse(await mesh.monitoring("/debug/syncz")) as ProxySync[];
      const acks = (type: SyncType): number[] =>
        proxies.map(({ types }) => types[type].sinceMs ?? 0).filter((atMs) => atMs >= savedAtMs);
      const types = Object.entries(awaited) as [SyncType, number][];
      const isSettled = proxies.every(({ types }) =>
        Object.values(types).every(({ state }) => !state.startsWith("STALE")),
      );
      return isSettled && types.every(([type, count]) => acks(type).length >= count)
        ? Math.max(...types.flatMap(([type]) => acks(type)))
        : undefined;
    },
    `change ${n} of ${file(n)} to be acknowledged`,
  );
  return lastAckAtMs - savedAtMs;
}

/** Another name for catalog: clusters, endpoints and routes on all proxies, but no process to start. */
function serviceYaml(n: number): string {
  return `apiVersion: v1
kind: Service
metadata: {name: extra-${n}, namespace: shop}
spec:
  selector: {app: catalog}
  ports: [{name: http, port: 80, targetPort: 8080}]
`;
}
