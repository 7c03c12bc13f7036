// Several clusters run at once on a machine, in different test processes. Each holds a slot: a number that its network
// namespaces, addresses and folders are made from, so that they never meet, and so that what a killed run left is found.
import { existsSync, globSync, readdirSync, readlinkSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../wait.ts";
import { run } from "./sh.ts";

/** 198.18.0.0/15 (RFC 2544: for tests, routed nowhere) in blocks of 4096 addresses, half for pods and half for Services. */
const slotCount = 16;

export interface Slot {
  /** Names the cluster's network namespaces and interfaces: `sluice-k3`. */
  readonly name: string;
  /** State of the cluster; empty at the start, gone after {@link Slot.release}. */
  readonly dir: string;
  /** Memory-backed volumes; made by who needs it. */
  readonly memoryDir: string;
  /** `198.18.48`: the first three bytes of the addresses of host, node and the first 245 pods. */
  readonly prefix: string;
  readonly podRange: string;
  readonly serviceRange: string;
  /** This machine's address as pods see it: API server and kubelet listen there. */
  readonly hostIp: string;
  /** The node, which routes between pods and answers for NodePorts. */
  readonly nodeIp: string;
  /** A loopback address of this cluster alone, for what pods must not reach. */
  readonly loopbackIp: string;
  /** Ends what still runs and removes all that bears the slot's name. */
  release(): Promise<void>;
}

/** Takes the first free slot, and clears every slot whose owner has died. */
export async function takeSlot(): Promise<Slot> {
  let taken: Slot | undefined;
  for (let i = 0; i < slotCount; i++) {
    const lock = await tryLock(`sluice-k${i}`);
    if (!lock) continue;
    await clear(`sluice-k${i}`);
    if (taken || (await isUsed(i))) lock.close();
    else taken = slot(i, lock);
  }
  if (!taken) throw new Error(`${slotCount} Kubernetes clusters of tests run on this machine already`);
  await mkdir(taken.dir, { mode: 0o755 });
  return taken;
}

function slot(i: number, lock: Server): Slot {
  const name = `sluice-k${i}`;
  return {
    name,
    dir: dirOf(name),
    memoryDir: memoryDirOf(name),
    prefix: `198.18.${16 * i}`,
    podRange: `198.18.${16 * i}.0/20`,
    serviceRange: `198.19.${16 * i}.0/20`,
    hostIp: `198.18.${16 * i}.1`,
    nodeIp: `198.18.${16 * i}.2`,
    loopbackIp: `127.19.${i}.1`,
    async release() {
      await clear(name);
      lock.close();
    },
  };
}

const dirOf = (name: string): string => join(tmpdir(), `${name}.d`);
const memoryDirOf = (name: string): string => join("/dev/shm", name);

/** An abstract socket: the kernel lets it go when its process ends, however it ends. */
function tryLock(name: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(`\0${name}`, () => resolve(server.unref()));
  });
}

/** Someone else's use of these addresses, such as another program's namespaces. */
async function isUsed(i: number): Promise<boolean> {
  const blocks = ["198.18", "198.19"];
  const addresses = await run(["ip", "-4", "-o", "addr"]);
  return [...addresses.matchAll(/inet (\d+\.\d+)\.(\d+)\.\d+/g)].some(
    ([, start = "", third]) => blocks.includes(start) && Math.floor(Number(third) / 16) === i,
  );
}

async function clear(name: string): Promise<void> {
  const namespaces = (existsSync("/run/netns") ? readdirSync("/run/netns") : []).filter(
    (one) => one === name || one.startsWith(`${name}-`),
  );
  const pids = async (): Promise<number[]> => {
    const inside = await Promise.all(namespaces.map((one) => run(["ip", "netns", "pids", one])));
    return [...inside.join("\n").matchAll(/\d+/g)].map(Number).concat(processesIn(dirOf(name)));
  };
  await until(async () => {
    const running = await pids();
    for (const pid of running) kill(pid);
    return running.length === 0;
  }, `the processes of ${name} to end`);
  if (existsSync(`/sys/class/net/${name}`)) await run(["ip", "link", "del", name]);
  for (const one of namespaces) await run(["ip", "netns", "del", one]);
  await rm(dirOf(name), { recursive: true, force: true });
  await rm(memoryDirOf(name), { recursive: true, force: true });
}

/** The control plane's processes: they run in this machine's own network namespace, each with this working directory. */
function processesIn(dir: string): number[] {
  return globSync("/proc/[0-9]*/cwd").flatMap((link) => {
    try {
      return readlinkSync(link) === dir ? [Number(link.split("/")[2])] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended meanwhile
  }
}
