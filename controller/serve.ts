// `sluice controller`: builds the control plane's edges, and the pipeline between them.
import { once } from "node:events";
import process from "node:process";
import { admission } from "./ca/admission.ts";
import type { Authority } from "./ca/authority.ts";
import { Certificates } from "./ca/certificates.ts";
import { openAuthority } from "./ca/open-authority.ts";
import type { RootStore } from "./ca/root-store.ts";
import { ServingCertificate } from "./ca/serving.ts";
import { ControlPlane } from "./control-plane.ts";
import type { MeshSettings } from "./model/mesh.ts";
import { Preflight } from "./modules/preflight.ts";
import { builtinFile, readModule } from "./modules/read-module.ts";
import { ModuleStore } from "./modules/store.ts";
import { FileWatcher } from "./modules/watch.ts";
import type { Authenticate } from "./ports/authenticator.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { Coalescer } from "./sources/coalesce.ts";
import type { MeshStatus } from "./status/mesh-status.ts";
import { serveMonitoring } from "./status/monitoring.ts";
import { deny } from "./translate/deny.ts";
import { secrets } from "./translate/secrets.ts";
import { XdsServer } from "./xds/server.ts";

/** How long the controller's own certificate is valid. */
const servingTtlMs = 24 * 3_600_000;

export interface ServeOptions {
  readonly settings: MeshSettings;
  /** Of this controller, for proxy-status. */
  readonly name: string;
  /** Of this program. */
  readonly version: string;
  /** `hosts` are the names and addresses by which proxies call it: those of its certificate. */
  readonly xds: { readonly address: string; readonly port: number; readonly hosts: readonly string[] };
  /** Of the status pages, on 127.0.0.1. */
  readonly monitoringPort: number;
  readonly log: Log;
}

/** Where objects, the root of trust and proofs of identity come from: a folder of YAML, or Kubernetes. */
export interface Home {
  readonly rootStore: RootStore;
  readonly authenticate: Authenticate;
  /** Hands over objects, from now on. Resolves when all that there are have been handed over, with what ends it. */
  readonly watch: (onBatch: (batch: Parameters<ControlPlane["update"]>[0]) => void) => Promise<() => unknown>;
  /** Called when the status was made anew. */
  readonly onStatus?: (status: MeshStatus) => void;
  /** Starts what only this home has; resolves with what ends it. */
  readonly attend?: (controller: Controller) => Promise<() => unknown>;
}

/** What runs, for the parts that only one home has. */
export interface Controller {
  readonly plane: ControlPlane;
  readonly modules: ModuleStore;
  readonly authority: Authority;
  readonly serving: ServingCertificate;
}

/** Serves until SIGTERM or SIGINT; rejects where a folder can't be read, a root can't be used or a port can't be had. */
export async function serve(
  home: Home,
  { settings, name, version, xds: listen, ...options }: ServeOptions,
): Promise<void> {
  const { log, monitoringPort } = options;
  const shared = { clock: realClock, random: Math.random, log };
  const authority = await openAuthority({ ...shared, store: home.rootStore, trustDomain: settings.trustDomain });
  const issue = (subject: Parameters<Authority["issue"]>[0], ttlMs: number) =>
    authority.issue(subject, { nowMs: realClock.nowMs(), ttlMs });
  const serving = await ServingCertificate.start({
    ...shared,
    name: listen.hosts.join(", "),
    issue: () => issue({ hosts: listen.hosts }, servingTtlMs),
  });
  const certificates = new Certificates({
    ...shared,
    issue: (identity) => issue({ identity }, settings.certificateTtlMs),
    isWanted: (identity) => xds.serves(identity),
    onChange: (identities) => xds.push(identities),
  });
  const preflight = new Preflight();
  const modules = new ModuleStore({
    read: readModule,
    check: (job) => preflight.check(job),
    builtinFile,
    onChange: () => outcomes.touch(),
  });
  const written = new Set<string>();
  const saves = new Coalescer({
    clock: realClock,
    run() {
      for (const file of written) modules.changed(file);
      written.clear();
    },
  });
  const outcomes = new Coalescer({ clock: realClock, run: () => plane.rebuild() });
  const watcher = new FileWatcher((file) => {
    written.add(file);
    saves.touch();
  });
  const plane = new ControlPlane({
    ...{ settings, controller: name, modules, clock: realClock, log },
    secrets: (identity) => secrets(certificates.get(identity)),
    push: () => xds.push(),
    proxies: () => xds.proxies(),
    onStatus: (status) => home.onStatus?.(status),
  });
  const xds = new XdsServer({
    admit: admission({
      authenticate: home.authenticate,
      podOf: (pod) => plane.podOf(pod),
      trustDomain: settings.trustDomain,
      clock: realClock,
    }),
    targetFor: (proxy, identity) => plane.targetFor(proxy, identity),
    deny,
    onEvent: (event) => plane.onEvent(event),
    clock: realClock,
    log,
    identifier: name,
  });
  const unwatch = await home.watch((batch) => {
    plane.update(batch);
    watcher.watch(modules.files());
  });
  await modules.settled(); // a proxy that is there already must not be told to deny what is only not loaded yet
  plane.rebuild();
  const pages = {
    "/debug/syncz": () => plane.status.proxies,
    "/debug/pluginz": () => plane.status.plugins,
    "/debug/problemz": () => plane.status.problems,
    "/version": () => ({ version }),
  };
  await xds.listen(`${listen.address}:${listen.port}`, serving);
  const leave = await home.attend?.({ plane, modules, authority, serving });
  const monitoring = await serveMonitoring(monitoringPort, pages); // last: it says that all is ready
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  await leave?.();
  outcomes.stop();
  monitoring.close();
  watcher.close();
  saves.stop();
  preflight.close();
  await unwatch();
  certificates.stop();
  serving.stop();
  await xds.close();
}
