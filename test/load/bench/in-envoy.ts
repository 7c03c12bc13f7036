// What a module costs in a real Envoy: processor time of a request, memory of a VM, time to load.
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startEnvoy, type TestEnvoy } from "../../support/envoy.ts";
import type { HelloModule } from "./modules.ts";

const rounds = 60;
const perRound = 2400;
const warmUp = 20_000;
const connections = 16;

/** Plugins of the Envoy whose memory is compared with that of one with one plugin, and VMs that each of them has. */
const plugins = 9;
const vms = 2; // of the main thread and of the worker

export interface InEnvoy {
  /** Microseconds of processor time a request, all threads of Envoy: one figure a round. */
  readonly cpuUs: readonly number[];
  /** The same, less that of an Envoy without the filter in the same round. */
  readonly addedUs: readonly number[];
  /** Resident memory that one more VM takes. */
  readonly vmKiB: number;
  /** How long Envoy's main thread takes for a listener with the module. */
  readonly loadMs: number;
}

interface Turn {
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
  const dir = await mkdtemp(join(tmpdir(), "bench-"));
  resources.defer(() => rm(dir, { recursive: true }));
  const turns: Turn[] = [];
  const more = new Map<HelloModule, number>();
  for (const [index, module] of [undefined, ...modules].entries()) {
    const file = join(dir, `${index}.wasm`);
    if (module) {
      await writeFile(file, module.bytes);
      const { envoy } = await start(file, plugins);
      more.set(module, rssKiB(envoy.pid));
      await envoy.stop();
    }
    const { envoy, port } = await start(file, module ? 1 : 0);
    resources.defer(() => envoy.stop());
    const client = await Client.open(port, module !== undefined);
    resources.defer(async () => client.close());
    turns.push({ module, envoy, client, cpuUs: [] });
  }
  const rss = new Map(turns.map(({ module, envoy }) => [module, rssKiB(envoy.pid)]));
  for (const { client } of turns) await client.ask(warmUp);
  for (let round = 0; round < rounds; round += 1)
    for (const { envoy, client, cpuUs } of turns) {
      const before = cpuNs(envoy.pid);
      await client.ask(perRound);
      cpuUs.push((cpuNs(envoy.pid) - before) / 1000 / perRound);
    }
  const without = turns[0]?.cpuUs ?? [];
  return new Map(
    turns.map(({ module, envoy, cpuUs }) => {
      const addedUs = cpuUs.map((us, round) => us - (without[round] ?? 0));
      const vmKiB = module ? ((more.get(module) ?? 0) - (rss.get(module) ?? 0)) / (vms * (plugins - 1)) : 0;
      return [module, { cpuUs, addedUs, vmKiB, loadMs: loadMs(envoy.output()) }];
    }),
  );
}

/** The log has the time of each line, in seconds with six digits. Go's module is compiled for many seconds. */
async function start(file: string, count: number): Promise<{ envoy: TestEnvoy; port: number }> {
  const port = await freePort();
  const envoy = await startEnvoy(bootstrap(port, file, count), {
    args: ["--log-format", "%E.%f %v"],
    deadlineMs: 120_000,
  });
  await envoy.live();
  return { envoy, port };
}

function loadMs(log: string): number {
  const at = (text: string): number => Number(new RegExp(`^(\\d+\\.\\d+) ${text}`, "m").exec(log)?.[1]) * 1000;
  return at("loading stats configuration") - at("loading 1 listener");
}

function rssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Nanoseconds on a processor, of all threads. */
function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

/** Connections that are kept, each with one request at a time. All responses have the same length. */
class Client {
  readonly #sockets: readonly Socket[];
  readonly #size: number;

  static async open(port: number, isFiltered: boolean): Promise<Client> {
    const sockets = await Promise.all(Array.from({ length: connections }, () => opened(port)));
    const first = await new Promise<Buffer>((resolve) => {
      sockets[0]?.once("data", resolve).write(request);
    });
    const text = first.toString("latin1");
    if (!text.startsWith("HTTP/1.1 200") || /x-hello: from sluice/i.test(text) !== isFiltered)
      throw new Error(`unexpected response:\n${text}`);
    return new Client(sockets, first.length);
  }

  private constructor(sockets: readonly Socket[], size: number) {
    this.#sockets = sockets;
    this.#size = size;
  }

  /** Sends so many requests and reads their responses. */
  async ask(count: number): Promise<void> {
    const share = count / this.#sockets.length;
    await Promise.all(this.#sockets.map((socket) => this.#askOn(socket, share)));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #askOn(socket: Socket, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let [left, missing] = [count, this.#size];
      const onClose = (): void => reject(new Error("Envoy closed a connection"));
      const onData = ({ length }: Buffer): void => {
        missing -= length;
        if (missing > 0) return;
        missing = this.#size;
        left -= 1;
        if (left > 0) return void socket.write(request);
        socket.off("data", onData).off("close", onClose);
        resolve();
      };
      socket.on("data", onData).once("close", onClose).write(request);
    });
  }
}

const request = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket)).setNoDelay();
    socket.once("error", reject);
  });
}

function bootstrap(port: number, filename: string, count: number): Readonly<Record<string, unknown>> {
  const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${name}` });
  const wasm = (_: unknown, n: number) => ({
    name: `hello-${n}`,
    typed_config: {
      ...type("http.wasm.v3.Wasm"),
      config: { vm_config: { vm_id: `${n}`, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } } },
    },
  });
  const manager = {
    ...type("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "bench",
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      ...Array.from({ length: count }, wasm),
      { name: "router", typed_config: type("http.router.v3.Router") },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: "bench",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [{ filters: [{ name: "manager", typed_config: manager }] }],
        },
      ],
    },
  };
}
