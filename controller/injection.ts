// The commands that put proxies into pods without a cluster, with the outside world that they need.
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { CliDeps } from "./cli/deps.ts";
import { registerInit } from "./cli/init.ts";
import { registerKubeInject } from "./cli/kube-inject.ts";
import { defaultSettings } from "./model/mesh.ts";

/** Adds `init` and `kube-inject`. */
export function registerInjection(program: Command, deps: CliDeps): void {
  registerInit(program, {
    ...deps,
    applyRules: async (rules) => (await import("./init/apply.ts")).applyRules(rules),
    ipv6Addresses: async () => (await import("./init/apply.ts")).ipv6Addresses(),
  });
  registerKubeInject(program, { ...deps, settings: defaultSettings, writeText: writeFile });
}
