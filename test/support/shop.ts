// The outfitters shop as a reader of a README has it: `npm start` in a copy of the repository, and a terminal beside it.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { env } from "node:process";
import type { RunPod } from "../../controller/run/state.ts";
import { type Checkout, copyRepository } from "./checkout.ts";
import { call } from "./http.ts";
import { startMeshIn, type TestMesh } from "./mesh.ts";
import { openTerminal, type Terminal, Walk } from "./readme.ts";

export interface Shop {
  /** Of the copy. */
  readonly root: string;
  readonly mesh: TestMesh;
  /** A walk through a README of the copy, in a terminal of its own that starts at the root. */
  walk(readme: string): Walk;
  stop(): Promise<void>;
}

/** Starts the shop and waits until its gateway serves and all proxies are in step. */
export async function startShop(): Promise<Shop> {
  const checkout = await copyRepository();
  const { root } = checkout;
  const terminals: Terminal[] = [];
  let mesh: TestMesh | undefined;
  const stop = async (): Promise<void> => {
    for (const terminal of terminals) await terminal.close();
    await mesh?.stop();
    await checkout.remove();
  };
  try {
    execFileSync("git", ["init", "-q"], { cwd: root });
    execFileSync("git", ["add", "examples", "filters"], { cwd: root }); // what a reader's `git clean` and `checkout` need
    const places = placesIn(checkout);
    mesh = await startMeshIn(join(root, "examples", "outfitters", "mesh"), {
      ...{ runDir: places.SLUICE_RUN_DIR, command: ["npm", "start"], cwd: root, env: places },
    });
    const target = { ...(await mesh.gateway()), path: "/api/catalog" };
    const { waitFor, monitoring, output } = mesh;
    await waitFor(async () => (await call(target)).status === 200, "the gateway to serve");
    await waitFor(async () => !(await monitoring("/debug/syncz")).includes("STALE"), "all proxies to be in step");
    const actual = { ...(await addresses(mesh)), "/home/you/sluice": root };
    return {
      root,
      mesh,
      walk(readme) {
        const terminal = openTerminal({ cwd: root, env: { ...env, ...places, NO_COLOR: "1" } });
        terminals.push(terminal);
        return new Walk(join(root, readme), { terminal, started: "npm start", printed: output, actual });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Readers find logs in `$TMPDIR/sluice-UID/*`; here nothing but this run's is there. */
function placesIn({ root }: Checkout) {
  const tmp = join(root, "tmp");
  return { TMPDIR: tmp, SLUICE_RUN_DIR: join(tmp, `sluice-${process.getuid?.()}`, "run") };
}

/** What READMEs show of a machine where all usual ports and addresses are free, and what it is on this one. */
async function addresses(mesh: TestMesh): Promise<Readonly<Record<string, string>>> {
  const { address, port } = (await mesh.run()).gateway;
  const { xds, monitoringPort } = await mesh.run();
  const [edge, catalog, webapp] = [
    await mesh.pod("istio-ingressgateway"),
    await mesh.pod("catalog"),
    await mesh.pod("webapp"),
  ];
  return {
    ...{ "127.0.18.1": edge.ip, "198.18.254.2": catalog.ip, "198.18.254.3": webapp.ip },
    ...(catalog.namespaces ? {} : withoutInterception(catalog, webapp, mesh.output())),
    ...{ "127.0.0.1:30000": `${address}:${port}`, "http.30000": `http.${port}` },
    ...{ "198.18.254.1:15012": `${xds.address}:${xds.port}`, "127.0.0.1:15014": `127.0.0.1:${monitoringPort}` },
  };
}

/** READMEs show what is printed where traffic is intercepted. */
function withoutInterception(catalog: RunPod, webapp: RunPod, printed: string): Readonly<Record<string, string>> {
  return {
    ...{ "port 3000": `127.0.0.1:${catalog.appPort}`, "port 8080": `127.0.0.1:${webapp.appPort}` },
    "traffic is intercepted: each workload has a network namespace of its own":
      /^no interception: .*$/m.exec(printed)?.[0] ?? "no interception",
  };
}
