// Calls from where a pod's application runs.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { cwd, env, execPath } from "node:process";
import type { Duplex } from "node:stream";
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

/** A connection to `host:port` through such a proxy. */
export function tunnel(proxy: Target, to: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...proxy, method: "CONNECT", path: to });
    asked.once("error", reject).once("connect", (_, socket, head) => {
      socket.unshift(head); // what the other side said first may come with the answer
      resolve(socket);
    });
    asked.end();
  });
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

/** A TCP connection of a pod's application. */
export interface Conversation {
  /** Sends a text and resolves with the next that comes; rejects where the connection ends instead. */
  say(text: string): Promise<string>;
  end(): void;
}

/** Connects from where a pod's application runs to a name or address. */
export function converse(pod: RunPod, host: string, port: number): Conversation {
  const bridge = `const socket = require("node:net").connect(${port}, ${JSON.stringify(host)}, () => process.stdin.pipe(socket)); socket.on("error", () => process.exit()).on("close", () => process.exit()).pipe(process.stdout)`;
  const command = commandAt(pod, [execPath, "-e", bridge], { cwd: cwd(), env });
  const [file = "", ...args] = command.argv;
  const child = spawn(file, args, { env: command.env, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  child.stdout.setEncoding("utf8");
  return {
    say: (text) =>
      new Promise((resolve, reject) => {
        const ended = (): void => reject(new Error(`the connection to ${host}:${port} ended`));
        if (child.exitCode !== null) return ended();
        child.once("exit", ended);
        child.stdout.once("data", (answer: string) => {
          child.off("exit", ended);
          resolve(answer);
        });
        child.stdin.write(text);
      }),
    end: () => void child.kill("SIGKILL"),
  };
}
