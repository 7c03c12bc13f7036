// What a request takes longer through a pair of sidecars, by turns with a request to the application itself.
import { Agent } from "node:http";
import { type Call, call } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import { wasmPlugin } from "../support/yaml.ts";
import { type Measurement, percentile } from "./figures.ts";
import { smallMesh } from "./small-mesh.ts";

const rounds = 5;
const requests = 2000;

const plugins = {
  "retry-budget": { app: "webapp", spec: { match: [{ mode: "CLIENT" }] } },
  deadline: {},
};

export const latency: Measurement = async (resources) => {
  const mesh = await smallMesh(resources);
  const { namespaces, appPort = 0 } = await mesh.pod("catalog");
  const app = namespaces // asked by way of a relay, as all is there
    ? { ...(await mesh.httpProxy("catalog")), path: `http://127.0.0.1:${appPort}/` }
    : { host: "127.0.0.1", port: appPort };
  const meshed = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.shop/" };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  resources.defer(async () => agent.destroy());
  const [direct, telemetry, all]: [number[][], number[][], number[][]] = [[], [], []];
  for (let round = 0; round < rounds; round++) {
    direct.push(await times({ ...app, agent }));
    telemetry.push(await times({ ...meshed, agent }));
    await attach(mesh);
    all.push(await times({ ...meshed, agent }));
    await detach(mesh);
  }
  const how = `${requests} requests a time, one after the other on one connection, Node's client and server`;
  return [50, 99].flatMap((p) => {
    const at = (turns: number[][]): number[] => turns.map((samples) => percentile(samples, p));
    const added = (turns: number[][]): number[] => at(turns).map((ms, i) => ms - (at(direct)[i] ?? 0));
    return [
      { what: `request p${p}: the application itself`, samples: at(direct), unit: "ms", how },
      {
        what: `added to p${p}: two sidecars with telemetry`,
        samples: added(telemetry),
        unit: "ms",
        how: "by turns with it",
      },
      {
        what: `added to p${p}: the same with retry-budget and deadline`,
        samples: added(all),
        unit: "ms",
        how: "by turns with it",
      },
    ];
  });
};

/** How long each of a number of requests took, in ms; the first few, which open the connection, are left out. */
async function times(target: Call): Promise<number[]> {
  const samples: number[] = [];
  for (let n = -50; n < requests; n++) {
    const startMs = performance.now();
    await call(target);
    if (n >= 0) samples.push(performance.now() - startMs);
  }
  return samples;
}

async function attach(mesh: TestMesh): Promise<void> {
  for (const [name, more] of Object.entries(plugins)) {
    await mesh.apply(`${name}.yaml`, wasmPlugin({ name, url: `builtin://${name}`, ...more }));
    await mesh.waitFor(async () => {
      const conditions = (await mesh.plugin(`shop/${name}`))?.conditions ?? [];
      return conditions.some(({ type, status }) => type === "Programmed" && status === "True");
    }, `${name} to be live`);
  }
}

async function detach(mesh: TestMesh): Promise<void> {
  for (const name of Object.keys(plugins)) {
    await mesh.remove(`${name}.yaml`);
    await mesh.waitFor(async () => (await mesh.plugin(`shop/${name}`)) === undefined, `${name} to be gone`);
  }
}
