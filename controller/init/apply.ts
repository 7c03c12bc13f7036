import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { text } from "node:stream/consumers";
import { differences, iptablesVariants, restoreInput } from "./rules.ts";

/**
 * Puts the rules into the network namespace of this process, instead of those that an earlier run put there.
 *
 * @returns the program that did it
 * @throws with what every program said, and what is missing; the table is then as it was
 */
export async function applyRules(rules: readonly string[]): Promise<string> {
  const failures: string[] = [];
  for (const variant of iptablesVariants) {
    try {
      await applyWith(variant, rules);
      return `${variant}-restore`;
    } catch (error) {
      if (!isAbsent(error)) failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error([...(await hint(failures)), ...new Set(failures)].join("\n"));
}

/** Addresses over which the pod can be reached past the rules, which are for IPv4. */
export function ipv6Addresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80"))
    .map(({ address }) => address);
}

async function applyWith(variant: string, rules: readonly string[]): Promise<void> {
  const before = await run([`${variant}-save`, "-t", "nat"]);
  await run([`${variant}-restore`, "--noflush"], restoreInput(rules, before));
  const wrong = differences(rules, await run([`${variant}-save`, "-t", "nat"]));
  if (wrong.length > 0) throw new Error(`${variant}-restore took the rules, but ${wrong.join(", ")}`);
}

async function run([program = "", ...args]: readonly string[], input = ""): Promise<string> {
  const child = spawn(program, args);
  const started = new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await started;
  child.stdin.on("error", () => {}); // it ended before it had read all; its exit code says why
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (code !== 0) throw new Error(`${program}: ${err.trim().split("\n")[0] || `ended with code ${code}`}`);
  return out;
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Bit of `CapEff`. @see linux/capability.h */
const netAdmin = 12n;

async function hint(failures: readonly string[]): Promise<readonly string[]> {
  if (failures.length === 0) return ["there is no iptables-restore on the PATH: install iptables"];
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  const isAllowed = capabilities === undefined || ((BigInt(`0x${capabilities}`) >> netAdmin) & 1n) === 1n;
  if (isAllowed) return ["no iptables works here: the kernel must have nf_tables or ip_tables, with nat and owner"];
  return [
    "NET_ADMIN is missing: run this as root, in a pod with securityContext.capabilities.add [NET_ADMIN, NET_RAW]",
  ];
}
