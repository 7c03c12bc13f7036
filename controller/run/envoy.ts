import { bootstrap } from "../inject/bootstrap.ts";
import { envoyFlags } from "../inject/envoy-flags.ts";
import { type ProbeRoute, probePort } from "../inject/probes.ts";
import { statTagsOf } from "../inject/stats.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { type Proxy, proxyUid } from "../model/proxy.ts";
import type { PodFolder } from "./folder.ts";
import { within } from "./namespaces.ts";
import { envoyMount, podMount } from "./network.ts";
import { listenPorts, type Place } from "./place.ts";
import type { PodPlan } from "./plan.ts";
import type { Command } from "./processes.ts";

export interface EnvoyOptions {
  readonly plan: PodPlan;
  readonly place: Place;
  readonly folder: PodFolder;
  readonly settings: MeshSettings;
  /** Where the controller serves xDS. */
  readonly xds: { readonly address: string; readonly port: number };
  /** PEM: who signs the controller's certificate. */
  readonly roots: string;
  readonly envoyPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Names in a pod's folder; the socket is Envoy's own. */
export const podFiles = {
  bootstrap: "bootstrap.json",
  token: "token",
  roots: "root-cert.pem",
  adminSocket: "admin",
} as const;

/** Unix socket of a pod's admin, as this process sees it. */
export function adminSocketOf({ path }: PodFolder): string {
  return `${path}/${podFiles.adminSocket}`;
}

/** How the Envoy of a pod is started; writes what it reads, but for its token. */
export function envoyCommand(proxy: Proxy, options: EnvoyOptions): Command {
  const { plan, place, folder, settings, xds, roots, envoyPath, env } = options;
  const { ip, namespaces } = place;
  const seen = namespaces ? podMount : folder.path;
  const secure = { rootCertFile: `${seen}/${podFiles.roots}`, tokenFile: `${seen}/${podFiles.token}` };
  const at = (port: number, address = namespaces ? "0.0.0.0" : ip) => ({ address, port });
  const config = bootstrap({
    ...{ proxy, settings },
    xds: { ...xds, secure },
    adminSocket: `${seen}/${podFiles.adminSocket}`,
    listen: {
      prometheus: at(listenPorts.prometheus),
      ready: at(listenPorts.ready),
      admin: at(listenPorts.admin, namespaces ? "127.0.0.1" : ip),
      probes: at(probePort),
    },
    probes: namespaces ? probeRoutes(plan) : [],
    statTags: statTagsOf(plan.annotations),
  });
  folder.write(podFiles.roots, roots);
  folder.write(podFiles.bootstrap, JSON.stringify(config, null, 2));
  const argv = (program: string) => [program, "-c", `${seen}/${podFiles.bootstrap}`, ...envoyFlags({})];
  if (!namespaces) return { argv: argv(envoyPath), cwd: folder.path, env };
  return { argv: within(namespaces, { argv: asProxy(argv(envoyMount)), cwd: "/" }), cwd: "/", env };
}

/** As the user that the rules leave alone. It dies with the runner: a change of user undoes what was set before. */
function asProxy(argv: readonly string[]): readonly string[] {
  const user = ["--reuid", String(proxyUid), "--regid", String(proxyUid), "--clear-groups"];
  return ["setpriv", ...user, "--pdeathsig", "KILL", "--", ...argv];
}

/** The readiness of a container whose port can only be reached through its Envoy, as injection asks for it. */
export function readinessPath(container: string): string {
  return `/app-health/${container}/readyz`;
}

function probeRoutes({ containers }: PodPlan): readonly ProbeRoute[] {
  return containers.flatMap(({ name, ports, readinessProbe: probe }) => {
    if (probe === undefined) return [];
    const named = ports.find((port) => port.name === probe.port);
    const port = Number(named?.containerPort ?? probe.port);
    return [{ path: readinessPath(name), app: { port, path: probe.path, tls: false, hasHost: false } }];
  });
}
