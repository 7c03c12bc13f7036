// What a module costs in a real Envoy: processor time of a request, memory of a VM, time to load.
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEnvoy } from "../../support/envoy.ts";
import { Client } from "./client.ts";
import { cpuNs, rssKiB, startHello } from "./envoy.ts";
import type { HelloModule } from "./modules.ts";
import { inTurns, quiet } from "./turns.ts";

const rounds = 100;
const perRound = 2400;
const warmUp = 20_000;

/** Plugins of the Envoy whose memory is compared with that of one with one plugin; each has two VMs. */
const plugins = 9;

/** The quickest of so many loads counts; a module that takes longer than this is loaded once. */
const loads = 4;
const quickMs = 1000;

export interface InEnvoy {
  /** Microseconds of processor time a request, all threads of Envoy. */
  readonly cpuUs: number;
  /** Resident memory that one more VM takes; 0 without a module. */
  readonly vmKiB: number;
  /** How long Envoy's main thread takes for a listener with the module. */
  readonly loadMs: number;
}

interface Running extends Omit<InEnvoy, "cpuUs"> {
  readonly module: HelloModule | undefined;
  readonly envoy: TestEnvoy;
  readonly client: Client;
}

/** Each module in an Envoy of its own, with one worker, which answers by itself; and one Envoy without. */
export async function inEnvoy(
  modules: readonly HelloModule[],
  resources: AsyncDisposableStack,
): Promise<ReadonlyMap<HelloModule | undefined, InEnvoy>> {
  const file = join(await mkdtemp(join(tmpdir(), "hello-")), "hello.wasm");
  const envoys = [];
  for (const module of [undefined, ...modules])
    envoys.push({ ...(await ready(module, file, resources)), us: [] as number[] });
  for (const { client } of envoys) await client.ask(warmUp);
  await inTurns(envoys, rounds, async ({ envoy, client, us }) => {
    const before = cpuNs(envoy.pid);
    await client.ask(perRound);
    us.push((cpuNs(envoy.pid) - before) / 1000 / perRound);
  });
  return new Map(envoys.map(({ module, vmKiB, loadMs, us }) => [module, { vmKiB, loadMs, cpuUs: quiet(us) }]));
}

/** An Envoy that serves, once its memory and its loading are known. */
async function ready(module: HelloModule | undefined, file: string, resources: AsyncDisposableStack): Promise<Running> {
  if (module) await writeFile(file, module.bytes);
  const count = module ? 1 : 0;
  const { envoy, port, loadMs } = await startHello(file, count);
  resources.defer(() => envoy.stop());
  const all = [loadMs];
  while (all.length < loads && loadMs < quickMs) {
    const again = await startHello(file, count);
    all.push(again.loadMs);
    await again.envoy.stop();
  }
  const client = await Client.open(port, count > 0);
  resources.defer(async () => client.close());
  const vmKiB = module ? await vmMemoryKiB(file, rssKiB(envoy.pid)) : 0;
  return { module, envoy, client, vmKiB, loadMs: Math.min(...all) };
}

async function vmMemoryKiB(file: string, withOneKiB: number): Promise<number> {
  const { envoy } = await startHello(file, plugins);
  const withAllKiB = rssKiB(envoy.pid);
  await envoy.stop();
  return (withAllKiB - withOneKiB) / (2 * (plugins - 1));
}
