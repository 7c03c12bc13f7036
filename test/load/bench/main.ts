// npm run bench:sdk: the same small filter with this SDK, by hand, and with the SDKs of others, side by side in one run. Prints
// a Markdown table. Takes 2 to 3 minutes, and once a machine 2 more to build the others.
import { join } from "node:path";
import { exit, stderr, stdout } from "node:process";
import { gzipSync } from "node:zlib";
import { machine } from "../machine.ts";
import { useScratch } from "../scratch.ts";
import { type InEnvoy, inEnvoy } from "./in-envoy.ts";
import { inHost } from "./in-host.ts";
import { nsInVm } from "./in-vm.ts";
import { type HelloModule, helloModules } from "./modules.ts";

useScratch();
const resources = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void resources.disposeAsync().finally(() => exit(130)));

const about = machine(join(import.meta.dirname, "..", "..", ".."));
const all = await helloModules();
const modules = all.filter((module): module is HelloModule => "bytes" in module);
try {
  stdout.write(`${about}\n\n${table(await measure())}\n`);
} finally {
  await resources.disposeAsync();
}

/** A row for each module, and one without. */
async function measure(): Promise<readonly (readonly string[])[]> {
  stderr.write("measuring in a VM\n");
  const vm = await nsInVm(modules);
  stderr.write("measuring in the tests' host\n");
  const host = await inHost(modules);
  stderr.write("measuring in Envoy\n");
  const envoy = await inEnvoy(modules, resources);
  const without = envoy.get(undefined)?.cpuUs ?? 0;
  const row = (module: HelloModule): readonly string[] => {
    const { us = 0, hostcalls = 0 } = host.get(module) ?? {};
    return [
      module.name,
      bytes(module.bytes.length),
      bytes(gzipSync(module.bytes).length),
      `${number(vm.get(module), 0)} ns`,
      number(hostcalls, 0),
      `${number(us, 1)} µs`,
      ...inEnvoyCells(envoy.get(module), without),
    ];
  };
  const missing = all.flatMap((module) => ("why" in module ? [[module.name, `not built: ${module.why}`]] : []));
  const none = ["without a filter", "", "", "", "", "", ...inEnvoyCells(envoy.get(undefined), without)];
  return [...modules.map(row), none, ...missing];
}

function inEnvoyCells(measured: InEnvoy | undefined, withoutUs: number): readonly string[] {
  const { cpuUs = 0, vmKiB = 0, loadMs = 0 } = measured ?? {};
  return [
    `${number(cpuUs, 1)} µs`,
    `${number(cpuUs - withoutUs, 1)} µs`,
    `${number(vmKiB / 1024, 2)} MiB`,
    `${number(loadMs, 0)} ms`,
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  const head = [
    "hello",
    "module",
    "gzip",
    "in its VM",
    "hostcalls",
    "`host.fetch`",
    "CPU in Envoy",
    "of it the filter",
    "memory of a VM",
    "listener loaded",
  ];
  return [head, head.map((_, column) => (column === 0 ? "---" : "--:")), ...rows]
    .map((cells) => `| ${head.map((_, column) => cells[column] ?? "").join(" | ")} |`)
    .join("\n");
}

function number(value: number | undefined, digits: number): string {
  return (value ?? 0).toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function bytes(count: number): string {
  return `${count.toLocaleString("en")} B`;
}
