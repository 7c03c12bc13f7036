// `sluice controller`: the control plane alone, over folders of YAML or over a Kubernetes API server.
import process, { env, stderr } from "node:process";
import { type Command, InvalidArgumentError } from "commander";
import { examples } from "./cli/program.ts";
import { durationMs } from "./crd/duration.ts";
import { imagesOf } from "./inject/images.ts";
import { type HostPort, parseHostPort } from "./model/host-port.ts";
import { defaultSettings } from "./model/mesh.ts";
import type { Home, ServeOptions } from "./serve.ts";

interface ControllerFlags {
  readonly config?: readonly string[];
  readonly identity?: string;
  readonly kubernetes?: true;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly xdsAddress?: string;
  readonly xdsPort: number;
  readonly monitoringPort: number;
  readonly webhookPort: number;
  readonly clusterDomain: string;
  readonly trustDomain: string;
  readonly certificateTtl: number;
  readonly zipkin: HostPort;
}

/** @param version of this program */
export function registerController(program: Command, { version, log }: Pick<ServeOptions, "version" | "log">): void {
  program
    .command("controller")
    .description("run the control plane alone; `sluice up` starts it as its child, `sluice install` in a cluster")
    .option("--config <dir...>", "folders of YAML; they are watched")
    .option("--identity <dir>", "with --config: keeps the root of trust and the key of the proxies' tokens")
    .option("--kubernetes", "follow the API server instead of folders")
    .option("--kubeconfig <file>", "with --kubernetes; default: as kubectl finds it, in a pod its service account")
    .option("--context <name>", "with --kubernetes: of the kubeconfig")
    .option("--xds-address <ip>", "where delta ADS is served; default: 127.0.0.1, with --kubernetes every address")
    .option("--xds-port <port>", "of delta ADS, with TLS", portNumber, 15012)
    .option("--monitoring-port <port>", "status pages, on 127.0.0.1", portNumber, 15014)
    .option("--webhook-port <port>", "with --kubernetes: admission webhooks", portNumber, 15017)
    .option("--cluster-domain <domain>", "last part of Services' names", defaultSettings.domain)
    .option("--trust-domain <domain>", "first part of every identity", defaultSettings.trustDomain)
    .option("--certificate-ttl <duration>", "of workloads' certificates", ttl, defaultSettings.certificateTtlMs)
    .option("--zipkin <host:port>", "service that collects traces", hostPort, defaultSettings.zipkin)
    .addHelpText(
      "after",
      examples(["sluice controller --config mesh --identity state", "sluice controller --kubernetes"]),
    )
    .action(async (flags: ControllerFlags, command: Command) => {
      if ((flags.config === undefined) !== (flags.identity === undefined) || !flags.config === !flags.kubernetes)
        command.error("error: write --config with --identity, or --kubernetes");
      const { clusterDomain: domain, trustDomain, certificateTtl: certificateTtlMs, zipkin } = flags;
      const settings = { ...defaultSettings, domain, trustDomain, certificateTtlMs, zipkin };
      const { serve } = await import("./serve.ts");
      await (flags.kubernetes ? kubernetes(flags, { settings, version, log }) : files(flags))
        .then(([home, options]) => serve(home, { ...options, settings, version, log }))
        .catch((error: Error) => {
          stderr.write(`Error: ${error.message}\n`);
          process.exit(1); // what it had opened by then would keep it
        });
    });
}

type Start = readonly [Home, Pick<ServeOptions, "name" | "xds" | "monitoringPort">];

async function files(flags: ControllerFlags): Promise<Start> {
  const { config: folders = [], identity = "", xdsAddress: address = "127.0.0.1", xdsPort: port } = flags;
  const { filesHome } = await import("./home-files.ts");
  return [
    await filesHome({ folders, identity }),
    {
      name: `sluice-${process.pid}`,
      xds: { address, port, hosts: [...new Set([address, "127.0.0.1", "localhost"])] },
      monitoringPort: flags.monitoringPort,
    },
  ];
}

type Common = Pick<ServeOptions, "settings" | "version" | "log">;

/** Inside a pod the environment says what the command line does not: see install/control-plane.ts. */
async function kubernetes(flags: ControllerFlags, { settings, version, log }: Common): Promise<Start> {
  const { kubeconfig, context, xdsAddress: address = "0.0.0.0", xdsPort: port } = flags;
  const namespace = env["POD_NAMESPACE"] ?? settings.rootNamespace;
  const service = `sluice.${namespace}`;
  const { kubernetesHome } = await import("./home-kubernetes.ts");
  const name = env["POD_NAME"] ?? `sluice-${process.pid}`;
  const images = imagesOf(version);
  return [
    kubernetesHome({
      ...{ namespace, name, settings, log },
      images: { sluice: env["SLUICE_IMAGE"] ?? images.sluice, envoy: env["ENVOY_IMAGE"] ?? images.envoy },
      webhooks: { host: "0.0.0.0", port: flags.webhookPort },
      ...(kubeconfig && { kubeconfig }),
      ...(context && { context }),
    }),
    {
      name,
      xds: { address, port, hosts: [`${service}.svc`, `${service}.svc.${settings.domain}`, service] },
      monitoringPort: flags.monitoringPort,
    },
  ];
}

function portNumber(value: string): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError("a port is 0 to 65535");
  return port;
}

function hostPort(value: string): HostPort {
  const parsed = parseHostPort(value);
  if (!parsed) throw new InvalidArgumentError("write host and port, such as zipkin.istio-system:9411");
  return parsed;
}

function ttl(value: string): number {
  const ms = durationMs(value);
  if (Number.isNaN(ms) || ms < 1000) throw new InvalidArgumentError("write a duration of at least 1s, such as 24h");
  return ms;
}
