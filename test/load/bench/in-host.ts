// What a request costs in the host that tests use, and how often a module calls the host for it.
import { Host } from "../../../sdk/host/index.ts";
import type { HelloModule } from "./modules.ts";
import { inTurns, quiet } from "./turns.ts";

const rounds = 200;
const perRound = 50;
const warmUp = 5000;

export interface InHost {
  /** Microseconds of `host.fetch`. */
  readonly us: number;
  /** A request. */
  readonly hostcalls: number;
}

export async function inHost(modules: readonly HelloModule[]): Promise<ReadonlyMap<HelloModule, InHost>> {
  const hosts = [];
  for (const module of modules) hosts.push({ module, host: await Host.load(module.bytes), us: [] as number[] });
  for (const { module, host } of hosts) {
    fetch(host, warmUp);
    const reply = host.fetch();
    if (reply.headers.get("x-hello") !== "from sluice") throw new Error(`${module.name} adds no header`);
    host.hostcalls.reset();
  }
  await inTurns(hosts, rounds, async ({ host, us }) => void us.push(fetch(host, perRound)));
  return new Map(
    hosts.map(({ module, host, us }) => [
      module,
      { us: quiet(us), hostcalls: host.hostcalls.total / (rounds * perRound) },
    ]),
  );
}

function fetch(host: Host, count: number): number {
  const startMs = performance.now();
  for (let n = 0; n < count; n += 1) host.fetch();
  return ((performance.now() - startMs) * 1000) / count;
}
