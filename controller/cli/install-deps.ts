import type { InstallApi } from "../install/install-api.ts";
import type { Clock } from "../ports/clock.ts";
import { CliError } from "./cli-error.ts";
import type { KubeOptions } from "./deps.ts";

/** What the commands that install need of the outside world. */
export interface InstallDeps {
  /** Of this program, and so of the image that it installs. */
  readonly version: string;
  /** Rejects with what is wrong with the kubeconfig. */
  readonly installApi: (options: KubeOptions) => Promise<InstallApi>;
  readonly clock: Clock;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
  /** Asks a question that ends with (y/N); false where nobody answers. */
  readonly confirm: (question: string) => Promise<boolean>;
}

/** Runs with the API server; whatever that answers is told without a stack. */
export async function withApi<T>(
  deps: InstallDeps,
  options: KubeOptions,
  work: (api: InstallApi) => Promise<T>,
): Promise<T> {
  try {
    return await work(await deps.installApi(options));
  } catch (error) {
    if (error instanceof Error && error.name === "KubeError") throw new CliError(error.message);
    throw error;
  }
}

export const saying =
  ({ print }: Pick<InstallDeps, "print">) =>
  (line: string): void =>
    print(`${line}\n`);
