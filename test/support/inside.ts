// Calls from where a pod's application runs.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { cwd, env, execPath } from "node:process";
import { commandAt } from "../../controller/run/exec.ts";
import type { RunPod } from "../../controller/run/state.ts";
import type { Target } from "./http.ts";

const program = join(import.meta.dirname, "inside-relay.ts");

export interface Relay {
  readonly target: Target;
  stop(): void;
}

/** An HTTP proxy on 127.0.0.1 that calls whom it is told from where a pod's application runs; see `inside-relay.ts`. */
export async function startRelay(pod: RunPod): Promise<Relay> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const command = commandAt(pod, [execPath, program], { cwd: cwd(), env });
  const [file = "", ...args] = command.argv;
  const child = spawn(file, args, { env: command.env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send("server", server);
  await once(child, "message");
  server.close(); // only the child accepts
  const port = typeof address === "object" && address ? address.port : 0;
  return { target: { host: "127.0.0.1", port }, stop: () => void child.kill("SIGKILL") };
}

/** What a program prints, run where a pod's application runs; rejects where it fails. */
export async function runInside(pod: RunPod, ...argv: readonly string[]): Promise<string> {
  const command = commandAt(pod, argv, { cwd: cwd(), env });
  const [file = "", ...args] = command.argv;
  return new Promise((resolve, reject) =>
    execFile(file, args, { env: command.env }, (error, stdout, stderr) =>
      error ? reject(new Error(`${argv.join(" ")}: ${stderr || error.message}`)) : resolve(stdout),
    ),
  );
}
