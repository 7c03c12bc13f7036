// What a module costs in a real Envoy: processor time of a request, memory of a VM, time to load.
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestEnvoy } from "../../support/envoy.ts";
import { Client } from "./client.ts";
import { cpuNs, rssKiB, startHello } from "./envoy.ts";
import type { HelloModule } from "./modules.ts";

const rounds = 100;
const perRound = 2400;
const warmUp = 20_000;

/** Plugins of the Envoy whose memory is compared with that of one with one plugin; each has two VMs. */
const plugins = 9;

/** The quickest of so many loads counts; a module that takes longer than this is loaded once. */
const loads = 4;
const quickMs = 1000;

export interface InEnvoy {
  /** Microseconds of processor time a request, all threads of Envoy: one figure a round. */
  readonly cpuUs: readonly number[];
  /** The same, less that of an Envoy without the filter in the same round. */
  readonly addedUs: readonly number[];
  /** Resident memory that one more VM takes; 0 without a module. */
  readonly vmKiB: number;
  /** How long Envoy's main thread takes for a listener with the module. */
  readonly loadMs: number;
}

interface Turn extends Omit<InEnvoy, "addedUs" | "cpuUs"> {
  readonly module: HelloModule | undefined;
  readonly envoy: TestEnvoy;
  readonly client: Client;
  readonly cpuUs: number[];
}

/** Each module in an Envoy of its own, with one worker, which answers by itself. They take turns, and so does one without. */
export async function inEnvoy(
  modules: readonly HelloModule[],
  resources: AsyncDisposableStack,
): Promise<ReadonlyMap<HelloModule | undefined, InEnvoy>> {
  const file = join(await mkdtemp(join(tmpdir(), "hello-")), "hello.wasm");
  const turns: Turn[] = [];
  for (const module of [undefined, ...modules]) turns.push(await ready(module, file, resources));
  for (const { client } of turns) await client.ask(warmUp);
  for (let round = 0; round < rounds; round += 1)
    for (const { envoy, client, cpuUs } of turns) {
      const before = cpuNs(envoy.pid);
      await client.ask(perRound);
      cpuUs.push((cpuNs(envoy.pid) - before) / 1000 / perRound);
    }
  const without = turns[0]?.cpuUs ?? [];
  return new Map(
    turns.map((turn) => [turn.module, { ...turn, addedUs: turn.cpuUs.map((us, round) => us - (without[round] ?? 0)) }]),
  );
}

/** An Envoy that serves, once its memory and its loading are known. */
async function ready(module: HelloModule | undefined, file: string, resources: AsyncDisposableStack): Promise<Turn> {
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
  return { module, envoy, client, vmKiB, loadMs: Math.min(...all), cpuUs: [] };
}

async function vmMemoryKiB(file: string, withOneKiB: number): Promise<number> {
  const { envoy } = await startHello(file, plugins);
  const withAllKiB = rssKiB(envoy.pid);
  await envoy.stop();
  return (withAllKiB - withOneKiB) / (2 * (plugins - 1));
}
