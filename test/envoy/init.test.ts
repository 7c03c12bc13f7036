import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAnnotations } from "../../controller/inject/annotations.ts";
import { initContainerOf } from "../../controller/inject/init-container.ts";
import { objectsOf } from "../../controller/inject/pod.ts";
import { networkObstacle, outsideAddress, type PodNetwork, podAddress, podNetwork } from "../support/pod-network.ts";

// The rules in a real network namespace: where a connection arrives that somebody opens.

const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`what sluice init does to a network is not tested: ${obstacle}`);

/** The iptables that locks a file, where this machine has it. */
const legacy = ["/usr/sbin/xtables-legacy-multi", "/sbin/xtables-legacy-multi"].find(existsSync);

const sluice = [execPath, join(import.meta.dirname, "../../controller/main.ts")];
const ports = { outbound: 15001, inbound: 15006, probes: 15020, app: 8080, excluded: 3306 };

/** Answers each connection with the port on which it has arrived, and who is asking. */
const server = `for (const port of [${Object.values(ports)}])
  require("node:net").createServer((socket) => socket.end(port + " from " + socket.remoteAddress.replace("::ffff:", ""))).listen(port, "0.0.0.0", () => console.log(port));`;

/** Prints what a connection is answered. */
const client = `const [host, port, localAddress] = process.argv.slice(1);
  const socket = require("node:net").connect({ host, port: Number(port), localAddress: localAddress || undefined });
  socket.on("data", (text) => console.log(String(text))).on("error", (error) => console.log(error.code));`;

let network: PodNetwork;
const servers: ChildProcess[] = [];

async function serve(where: "inside" | "outside"): Promise<void> {
  const [program, args] = network.command(where, [execPath, "-e", server]);
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  servers.push(child);
  const lines = new Set<string>();
  await new Promise<void>((resolve, reject) => {
    child.once("exit", () => reject(new Error(`the server ${where} ended`)));
    child.stdout.on("data", (text: Buffer) => {
      for (const line of String(text).trim().split("\n")) lines.add(line);
      if (lines.size === Object.keys(ports).length) resolve();
    });
  });
}

const init = (...flags: readonly string[]) => network.exec("inside", [...sluice, "init", ...flags]);

/** The table without counters and dates. */
async function table(): Promise<string> {
  const text = await network.exec("inside", ["iptables-save", "-t", "nat"]);
  return text.replaceAll(/^#.*\n/gm, "").replaceAll(/ \[\d+:\d+\]$/gm, "");
}

describe.skipIf(obstacle !== undefined)("sluice init", () => {
  beforeAll(async () => {
    network = await podNetwork();
    await Promise.all([serve("inside"), serve("outside")]);
    await init("-o", String(ports.excluded));
  });

  afterAll(() => {
    for (const child of servers) child.kill("SIGKILL");
    network?.close();
  });

  test("puts Istio's rules into the table", async () => {
    await expect(await table()).toMatchFileSnapshot("testdata/init.iptables-save");
  });

  test("changes nothing the second time", async () => {
    const before = await table();
    await init("-o", String(ports.excluded));
    expect(await table()).toBe(before);
  });

  test("replaces the rules of an earlier run, and leaves others' alone", async () => {
    const before = await table();
    await network.exec("inside", ["iptables", "-t", "nat", "-A", "OUTPUT", "-d", "10.1.1.1/32", "-j", "ACCEPT"]);
    await init("-b", "8080", "-i", "10.0.0.0/8", "-c", "eth7");
    expect(await table()).toContain(
      "-A OUTPUT -d 10.1.1.1/32 -j ACCEPT\n-A OUTPUT -o eth7 -j RETURN\n-A OUTPUT -j ISTIO_OUTPUT\n",
    );
    expect(await table()).toContain("-A ISTIO_OUTPUT -d 10.0.0.0/8 -j ISTIO_REDIRECT\n");
    await network.exec("inside", ["iptables", "-t", "nat", "-F"]);
    await init("-o", String(ports.excluded));
    expect(await table()).toBe(before);
  });

  test("changes nothing where it is not allowed to, and says what is missing", async () => {
    await expect(network.exec("inside", [...sluice, "init"], 1000)).rejects.toMatchObject({
      stderr: expect.stringContaining("NET_ADMIN is missing: run this as root"),
    });
  });

  test.skipIf(legacy === undefined)("needs no root that can be written, also with an iptables that locks", async () => {
    const dir = await mkdtemp(join(tmpdir(), "sluice-"));
    for (const name of ["iptables-save", "iptables-restore"]) await symlink(legacy ?? "", join(dir, name));
    const env = objectsOf(initContainerOf("", parseAnnotations({}).settings)["env"]).map(
      ({ name, value }) => `${name}=${value}`,
    );
    const argv = ["env", ...env, `PATH=${dir}`, ...sluice, "init"];
    const readOnly = 'mount -t tmpfs -o ro tmpfs /run && exec "$@"';
    const out = await network.exec("inside", ["unshare", "--net", "--mount", "sh", "-c", readOnly, "sh", ...argv]);
    await rm(dir, { recursive: true });
    expect(out).toContain("COMMIT\n"); // and it has succeeded
  });

  test("changes nothing with --dry-run", async () => {
    const before = await table();
    expect(await init("--dry-run", "-b", "")).toContain("-N ISTIO_INBOUND\n");
    expect(await table()).toBe(before);
  });

  const self = podAddress;
  const outside = outsideAddress;
  test.each`
    who                | where        | uid     | host           | port              | source         | arrives
    ${"the app"}       | ${"inside"}  | ${1000} | ${outside}     | ${80}             | ${""}          | ${`15001 from ${self}`}
    ${"the app"}       | ${"inside"}  | ${0}    | ${outside}     | ${8080}           | ${""}          | ${`15001 from ${self}`}
    ${"the app"}       | ${"inside"}  | ${1000} | ${outside}     | ${ports.excluded} | ${""}          | ${`3306 from ${self}`}
    ${"the app"}       | ${"inside"}  | ${1000} | ${"127.0.0.1"} | ${ports.app}      | ${""}          | ${"8080 from 127.0.0.1"}
    ${"the app"}       | ${"inside"}  | ${1000} | ${self}        | ${ports.app}      | ${""}          | ${`8080 from ${self}`}
    ${"Envoy"}         | ${"inside"}  | ${1337} | ${outside}     | ${ports.app}      | ${""}          | ${`8080 from ${self}`}
    ${"Envoy"}         | ${"inside"}  | ${1337} | ${self}        | ${ports.app}      | ${""}          | ${`15006 from ${self}`}
    ${"Envoy"}         | ${"inside"}  | ${1337} | ${self}        | ${ports.app}      | ${"127.0.0.6"} | ${"8080 from 127.0.0.6"}
    ${"Envoy"}         | ${"inside"}  | ${1337} | ${"127.0.0.1"} | ${ports.app}      | ${""}          | ${"8080 from 127.0.0.1"}
    ${"somebody else"} | ${"outside"} | ${0}    | ${self}        | ${ports.app}      | ${""}          | ${`15006 from ${outside}`}
    ${"somebody else"} | ${"outside"} | ${0}    | ${self}        | ${9999}           | ${""}          | ${`15006 from ${outside}`}
    ${"the kubelet"}   | ${"outside"} | ${0}    | ${self}        | ${ports.probes}   | ${""}          | ${`15020 from ${outside}`}
  `(
    "$who ($where, user $uid) to $host:$port from $source: $arrives",
    async ({ where, uid, host, port, source, arrives }) => {
      const answer = await network.exec(where, [execPath, "-e", client, "--", host, String(port), source], uid);
      expect(answer.trim()).toBe(arrives);
    },
  );
});
