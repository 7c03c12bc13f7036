import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { networkFor } from "./interception.ts";
import { type Namespaces, openNamespaces, within } from "./namespaces.ts";
import type { Network } from "./network.ts";

const { network: possible } = await networkFor("auto");
possible?.close();

describe.skipIf(!possible)("a network", () => {
  let dir: string;
  const open: { close(): void }[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "sluice-"));
    for (const folder of ["pod", "names"]) mkdirSync(join(dir, folder));
    writeFileSync(join(dir, "names", "hosts"), "198.19.0.1 catalog\n");
    writeFileSync(join(dir, "pod", "file"), "of the pod");
  });
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
    rmSync(dir, { recursive: true });
  });

  async function network(): Promise<Network> {
    const { network } = await networkFor("redirect");
    if (!network) throw new Error("no network");
    open.push(network);
    return network;
  }

  async function pod(network: Network, number: number): Promise<Namespaces> {
    const hostsFile = join(dir, "names", "hosts");
    const made = await network.pod({ number, hostsFile, folder: join(dir, "pod"), envoyPath: process.execPath });
    open.push(made);
    return made;
  }

  function run(namespaces: Namespaces, ...argv: readonly string[]): string {
    const [file = "", ...args] = within(namespaces, { argv, cwd: dir });
    return execFileSync(file, args, { encoding: "utf8", stdio: "pipe" });
  }

  test("gives a pod an address, one link, the rules, names, and its Envoy's files", async () => {
    const it = await network();
    const one = await pod(it, 2);
    const prefix = it.address.replace(/\.1$/, "");
    expect(run(one, "ip", "-br", "addr", "show", "eth0")).toMatch(new RegExp(`UP +${prefix}.2/24 *\n$`)); // and no IPv6
    expect(run(one, "ip", "route").trim().split("\n")).toEqual([
      expect.stringContaining(`${prefix}.0/24 dev eth0`),
      expect.stringContaining("198.19.0.0/16 dev eth0"),
    ]);
    expect(run(one, "iptables-save", "-t", "nat")).toMatch(/-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN/);
    expect(run(one, "getent", "hosts", "catalog")).toMatch(/^198\.19\.0\.1 /);
    writeFileSync(join(dir, "names", "hosts"), "198.19.0.2 catalog\n");
    expect(run(one, "getent", "hosts", "catalog")).toMatch(/^198\.19\.0\.2 /);
    expect(run(one, "cat", "/run/sluice/pod/file")).toBe("of the pod");
    expect(run(one, "/run/sluice/envoy", "-p", "process.cwd()")).toBe(`${dir}\n`);
  });

  test("two at once have addresses of their own, and neither reaches the other", async () => {
    const [one, other] = [await network(), await network()];
    expect(one.address).not.toBe(other.address);
    const here = await pod(one, 2);
    expect(() => run(here, "ip", "route", "get", other.address)).toThrow("unreachable");
  });

  test("is gone when it is closed", async () => {
    const it = await network();
    const link = (): boolean =>
      Object.values(networkInterfaces()).some((all) => all?.some((a) => a.address === it.address));
    await pod(it, 2);
    expect(link()).toBe(true);
    for (const one of open.splice(0)) one.close();
    await until(() => !link(), "the host's end of it to go");
  });

  test("what can't be made is named in the words of whoever refused it", async () => {
    await expect(openNamespaces("ip link add eth9 type nosuchthing", {})).rejects.toThrow(/nosuchthing|unknown/i);
  });
});

test("it can be done without", async () => {
  expect(await networkFor("none")).toEqual({
    line: "no interception: none was asked for; ports are explicit (captureMode NONE)",
  });
});
