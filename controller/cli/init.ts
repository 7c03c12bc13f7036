import type { Command } from "commander";
import { defaultFlags, type InterceptionFlags, parseInterception } from "../init/options.ts";
import { interceptionRules, restoreInput } from "../init/rules.ts";
import { CliError, usageExitCode } from "./cli-error.ts";
import { examples } from "./program.ts";

export interface InitDeps {
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
  /** A line beside the output: to standard error. */
  readonly note: (line: string) => void;
  /** Resolves with the program that has put the rules in place; rejects with what is missing. */
  readonly applyRules: (rules: readonly string[]) => Promise<string>;
  /** Addresses of this network namespace that the rules don't cover. */
  readonly ipv6Addresses: () => Promise<readonly string[]>;
}

/** Adds `sluice init`: what the init container of each pod runs. The flags are those of istio-iptables. */
export function registerInit(program: Command, deps: InitDeps): void {
  const d = defaultFlags;
  program
    .command("init")
    .description("redirect this pod's traffic to its Envoy; a second run changes nothing")
    .option("-p, --envoy-port <port>", "where outbound connections go", d.envoyPort)
    .option("-z, --inbound-capture-port <port>", "where inbound connections go", d.inboundCapturePort)
    .option("-u, --proxy-uid <uids>", "whose connections are Envoy's own", d.proxyUid)
    .option("-g, --proxy-gid <gids>", "groups whose connections are Envoy's own (default: as -u)")
    .option("-m, --istio-inbound-interception-mode <mode>", "REDIRECT", d.istioInboundInterceptionMode)
    .option("-b, --istio-inbound-ports <ports>", "inbound ports to redirect, or *", d.istioInboundPorts)
    .option("-d, --istio-local-exclude-ports <ports>", "inbound ports to leave out of *", d.istioLocalExcludePorts)
    .option("-i, --istio-service-cidr <ranges>", "outbound ranges to redirect, or *", d.istioServiceCidr)
    .option("-x, --istio-service-exclude-cidr <ranges>", "outbound ranges to leave out", d.istioServiceExcludeCidr)
    .option("-q, --istio-outbound-ports <ports>", "outbound ports to redirect, of any range", d.istioOutboundPorts)
    .option(
      "-o, --istio-local-outbound-ports-exclude <ports>",
      "outbound ports to leave out",
      d.istioLocalOutboundPortsExclude,
    )
    .option(
      "-k, --kube-virt-interfaces <names>",
      "interfaces whose inbound connections are redirected as outbound",
      d.kubeVirtInterfaces,
    )
    .option("-c, --istio-exclude-interfaces <names>", "interfaces to leave out", d.istioExcludeInterfaces)
    .option("-n, --dry-run", "print what iptables-restore would be given, and change nothing")
    .addHelpText("after", examples(["# The rules of a pod without annotations", "sluice init --dry-run"]))
    .action((flags: InterceptionFlags & { readonly dryRun?: boolean }) => init(flags, deps));
}

async function init(flags: InterceptionFlags & { readonly dryRun?: boolean }, deps: InitDeps): Promise<void> {
  const parsed = parseInterception(flags);
  if ("problems" in parsed) throw new CliError(parsed.problems.join("\n"), usageExitCode);
  const rules = interceptionRules(parsed.interception);
  for (const warning of parsed.warnings) deps.note(`warning: ${warning}`);
  deps.print(restoreInput(rules));
  if (flags.dryRun === true) return;
  const program = await deps.applyRules(rules).catch((error: Error) => {
    throw new CliError(error.message);
  });
  for (const address of await deps.ipv6Addresses()) {
    deps.note(`warning: connections over ${address} pass the proxy by: IPv6 is not intercepted`);
  }
  deps.note(`✔ ${program}: ${rules.length} rules are in place`);
}
