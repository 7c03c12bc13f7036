// `sluice controller`: builds the control plane's edges, and the pipeline between them.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { trusting } from "./ca/admission.ts";
import { ControlPlane } from "./control-plane.ts";
import { defaultSettings } from "./model/mesh.ts";
import { Preflight } from "./modules/preflight.ts";
import { ModuleStore } from "./modules/store.ts";
import { FileWatcher } from "./modules/watch.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { Coalescer } from "./sources/coalesce.ts";
import { watchFiles } from "./sources/files.ts";
import { withVirtualAddresses } from "./sources/virtual-addresses.ts";
import { serveMonitoring } from "./status/monitoring.ts";
import { deny } from "./translate/deny.ts";
import { XdsServer } from "./xds/server.ts";

export interface ServeOptions {
  /** Folders of YAML, watched. */
  readonly folders: readonly string[];
  readonly xdsAddress: string;
  readonly xdsPort: number;
  /** On 127.0.0.1. */
  readonly monitoringPort: number;
  /** Of this program. */
  readonly version: string;
  readonly log: Log;
}

const host = "127.0.0.1";
const name = `sluice-${process.pid}`;
const builtFilters = join(dirname(import.meta.dirname), "build");

/** Serves until SIGTERM or SIGINT; rejects where a folder can't be read or a port can't be had. */
export async function serve({
  folders,
  xdsAddress,
  xdsPort,
  monitoringPort,
  version,
  log,
}: ServeOptions): Promise<void> {
  const preflight = new Preflight();
  const modules = new ModuleStore({
    read: (file) => readFile(file),
    check: (job) => preflight.check(job),
    builtinFile: (filter) => join(builtFilters, `${filter}.wasm`),
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
    settings: defaultSettings,
    controller: name,
    modules,
    push: () => xds.push(),
    proxies: () => xds.proxies(),
    clock: realClock,
    log,
  });
  const xds = new XdsServer({
    admit: trusting(defaultSettings.trustDomain),
    targetFor: (proxy) => plane.targetFor(proxy),
    deny,
    onEvent: (event) => plane.onEvent(event),
    clock: realClock,
    log,
    identifier: name,
  });
  const source = await watchFiles({
    folders,
    clock: realClock,
    onBatch(batch) {
      plane.update({ ...batch, objects: withVirtualAddresses(batch.objects) });
      watcher.watch(modules.files());
    },
  });
  await modules.settled(); // a proxy that is there already must not be told to deny what is only not loaded yet
  plane.rebuild();
  const pages = {
    "/debug/syncz": () => plane.status.proxies,
    "/debug/pluginz": () => plane.status.plugins,
    "/debug/problemz": () => plane.status.problems,
    "/version": () => ({ version }),
  };
  const monitoring = await serveMonitoring({ host, port: monitoringPort }, pages);
  await xds.listen(`${xdsAddress}:${xdsPort}`);
  await Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  outcomes.stop();
  monitoring.close();
  watcher.close();
  saves.stop();
  preflight.close();
  await source.close();
  await xds.close();
}
