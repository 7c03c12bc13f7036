// The outside world of the commands that install.
import { stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import type { InstallDeps } from "./cli/install-deps.ts";
import { realClock } from "./ports/clock.ts";

/** @param version of this program */
export function installDeps(version: string): InstallDeps {
  return {
    version,
    clock: realClock,
    print: (text) => void stdout.write(text),
    confirm,
    /** Loads the Kubernetes client only when it is needed, since that takes half a second. */
    async installApi(options) {
      const { loadConfig } = await import("./kube/config.ts");
      const { KubeClient } = await import("./kube/client.ts");
      return new KubeClient(loadConfig(options));
    },
  };
}

async function confirm(question: string): Promise<boolean> {
  stdout.write(question);
  const lines = createInterface({ input: stdin });
  for await (const answer of lines) {
    lines.close();
    return /^y(es)?$/i.test(answer.trim());
  }
  return false;
}
