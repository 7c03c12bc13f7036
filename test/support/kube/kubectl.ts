import { spawn } from "node:child_process";
import { env } from "node:process";
import { until } from "../wait.ts";

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** Both outputs, so far. */
  output(): string;
  /** Waits until the output matches. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Where it ends by itself. */
  readonly ended: Promise<Ended>;
  /** Ctrl-C, and resolves when it is gone. */
  stop(): Promise<Ended>;
}

export interface Kubectl {
  /**
   * Runs kubectl as the cluster's administrator.
   *
   * @returns its stdout
   * @throws with its stderr where it doesn't exit with 0
   */
  (...args: readonly string[]): Promise<string>;
  /** `kubectl apply -f -` of this YAML. */
  apply(yaml: string): Promise<string>;
  /** The same, whatever its exit code. */
  attempt(args: readonly string[], input?: string): Promise<Ended>;
  /** One that goes on until it is stopped: `port-forward`, `logs -f`. */
  start(...args: readonly string[]): Running;
}

/** @param home where it keeps its caches */
export function kubectlOf(options: { path: string; kubeconfig: string; home: string }): Kubectl {
  const start = (args: readonly string[], input?: string): Running => startKubectl(options, args, input);
  const checked = async (args: readonly string[], input?: string): Promise<string> => {
    const { code, stdout, stderr } = await start(args, input).ended;
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr.trim() || `exit code ${code}`}`);
    return stdout;
  };
  return Object.assign((...args: readonly string[]) => checked(args), {
    apply: (yaml: string) => checked(["apply", "-f", "-"], yaml),
    attempt: (args: readonly string[], input?: string) => start(args, input).ended,
    start: (...args: readonly string[]) => start(args),
  });
}

function startKubectl(
  { path, kubeconfig, home }: { path: string; kubeconfig: string; home: string },
  args: readonly string[],
  input = "",
): Running {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", path, ...args], {
    env: { PATH: env["PATH"] ?? "", KUBECONFIG: kubeconfig, HOME: home },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // it ended without reading: its exit code says why
  child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
  return {
    ended,
    output: () => stdout + stderr,
    says: (pattern) =>
      until(
        () => pattern.exec(stdout + stderr),
        () => `kubectl ${args.join(" ")} to say ${pattern}; it said:\n${stdout}${stderr}`,
      ),
    stop() {
      child.kill("SIGINT");
      return ended;
    },
  };
}
