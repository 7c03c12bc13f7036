import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";

/** How long a question to a process on this machine may take. */
const timeoutMs = 1000;

/** Whether nobody listens on `address:port`, so that it can be bound; false also for an address the machine lacks. */
export function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether something accepts connections on a port. @param host default: 127.0.0.1 */
export function accepts(port: number, host = "127.0.0.1"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

/**
 * Whether somebody listens on a TCP port in the network namespace of a process, which can't be asked from outside without
 * meeting its Envoy.
 *
 * @see proc_net(5): `/proc/net/tcp`; state 0A is LISTEN
 */
export function listens(pid: number, port: number): boolean {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return ["tcp", "tcp6"].some((table) => {
    const fields = tableOf(`/proc/${pid}/net/${table}`).map((line) => line.trim().split(/\s+/));
    return fields.some(([, local, , state]) => state === "0A" && local?.endsWith(end));
  });
}

/** Empty where there is none: the process has ended, or the system has no IPv6. */
function tableOf(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n").slice(1);
  } catch {
    return [];
  }
}

/** Whether an HTTP GET is answered with 200 to 399, as a Kubernetes probe wants it. */
export function answers(
  target:
    | { readonly host?: string; readonly port: number; readonly path: string }
    | { readonly socketPath: string; readonly path: string },
): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host: "127.0.0.1", ...target, agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 0) >= 200 && (response.statusCode ?? 0) < 400);
    });
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(false));
    call.end();
  });
}
