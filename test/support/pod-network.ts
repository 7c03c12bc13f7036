// Network namespaces for a test, in processes of their own: they are gone when the test is, however it ends.
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Why there can be none on this machine; `undefined` where there can. */
export function networkObstacle(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "network namespaces need Linux and root";
  const needed = ["unshare", "nsenter", "setpriv", "ip", "iptables-restore"];
  const missing = needed.filter((name) => spawnSync(name, ["--version"]).error !== undefined);
  if (missing.length > 0) return `not on the PATH: ${missing.join(", ")} (packages util-linux, iproute2, iptables)`;
  const { status, stderr } = spawnSync("unshare", ["--net", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : stderr.trim();
}

/** A pod's network: `10.9.0.1` in it, and `10.9.0.2` for whoever is outside of it. */
export interface PodNetwork {
  /** Runs a command in the pod's namespace, or outside. @param uid user and group; default root */
  command(where: "inside" | "outside", argv: readonly string[], uid?: number): readonly [string, readonly string[]];
  exec(where: "inside" | "outside", argv: readonly string[], uid?: number): Promise<string>;
  close(): void;
}

export const podAddress = "10.9.0.1";
export const outsideAddress = "10.9.0.2";

export async function podNetwork(): Promise<PodNetwork> {
  const holders = { inside: await holder(), outside: await holder() };
  const command: PodNetwork["command"] = (where, argv, uid = 0) => [
    "nsenter",
    [
      `--net=/proc/${holders[where].pid}/ns/net`,
      ...["--", "setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups", "--", ...argv],
    ],
  ];
  const exec: PodNetwork["exec"] = async (where, argv, uid) => {
    const [program, args] = command(where, argv, uid);
    return (await run(program, [...args])).stdout;
  };
  const close = (): void => {
    for (const { stdin } of Object.values(holders)) stdin?.end();
  };
  try {
    await exec("inside", [
      "ip",
      "link",
      "add",
      "eth0",
      "type",
      "veth",
      "peer",
      "name",
      "out0",
      "netns",
      String(holders.outside.pid),
    ]);
    for (const [where, link, address] of [
      ["inside", "eth0", podAddress],
      ["outside", "out0", outsideAddress],
    ] as const) {
      await exec(where, ["ip", "addr", "add", `${address}/24`, "dev", link]);
      for (const name of ["lo", link]) await exec(where, ["ip", "link", "set", name, "up"]);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { command, exec, close };
}

/** A process that has a new network namespace, and ends when its standard input does. */
async function holder(): Promise<ChildProcess> {
  const child = spawn("unshare", ["--net", "--", "sh", "-c", "echo made; read -r _"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise((resolve, reject) => {
    child.stdout.once("data", resolve);
    child.once("error", reject).once("exit", () => reject(new Error("unshare ended")));
  });
  return child;
}
