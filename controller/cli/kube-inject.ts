import type { Command } from "commander";
import { imagesOf } from "../inject/images.ts";
import type { MeshSettings } from "../model/mesh.ts";
import { problemText } from "../model/problem.ts";
import { readDocuments } from "../sources/documents.ts";
import { CliError } from "./cli-error.ts";
import { injectDocuments } from "./inject-documents.ts";
import { examples } from "./program.ts";

export interface KubeInjectDeps {
  /** Of this program, and so of its image. */
  readonly version: string;
  readonly settings: MeshSettings;
  /** The text of a file, of standard input for `-`; rejects with the system's error. */
  readonly readText: (path: string) => Promise<string>;
  /** Rejects with the system's error. */
  readonly writeText: (path: string, text: string) => Promise<void>;
  readonly print: (text: string) => void;
  /** A line beside the output: to standard error. */
  readonly note: (line: string) => void;
}

interface Flags {
  readonly filename: string;
  readonly output?: string;
  readonly sluiceImage: string;
  readonly envoyImage: string;
}

/** Adds `sluice kube-inject`: what the webhook does, on files. */
export function registerKubeInject(program: Command, deps: KubeInjectDeps): void {
  const images = imagesOf(deps.version);
  program
    .command("kube-inject")
    .description("give the pods in a file of Kubernetes objects their proxies, as the webhook would")
    .requiredOption("-f, --filename <file>", "YAML or JSON; - is standard input")
    .option("-o, --output <file>", "where the result goes (default: standard output)")
    .option("--sluice-image <image>", "of the init step: <hub>/sluice:<tag> of the installation", images.sluice)
    .option("--envoy-image <image>", "of the proxy: proxyImage of the installation", images.envoy)
    .addHelpText(
      "after",
      examples([
        "sluice kube-inject -f cart.yaml | kubectl apply -f -",
        "",
        "# No cluster is asked: an installation with --set hub, tag or proxyImage has images to be named here",
        "sluice kube-inject -f cart.yaml --sluice-image registry.example.com/mesh/sluice:0.1.0",
      ]),
    )
    .action((flags: Flags) => kubeInject(flags, deps));
}

async function kubeInject({ filename, output, sluiceImage, envoyImage }: Flags, deps: KubeInjectDeps): Promise<void> {
  const failed = (error: Error): never => {
    throw new CliError(error.message);
  };
  const text = await deps.readText(filename).catch(failed);
  const unreadable = readDocuments(text, filename).problems.filter(({ severity }) => severity === "error");
  if (unreadable.length > 0) throw new CliError(unreadable.map(problemText).join("\n"));
  const images = { sluice: sluiceImage, envoy: envoyImage };
  const injected = injectDocuments(text, { settings: deps.settings, images });
  if (injected.problems.length > 0) throw new CliError(injected.problems.join("\n"));
  for (const warning of injected.warnings) deps.note(`warning: ${warning}`);
  if (output === undefined) deps.print(injected.text);
  else await deps.writeText(output, injected.text).catch(failed);
}
