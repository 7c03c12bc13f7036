// EDGE. A port of a pod, through the API server's port-forward: a WebSocket for each connection.
import { Duplex, PassThrough, Writable } from "node:stream";
import { type KubeConfig, PortForward } from "@kubernetes/client-node";

/** The library's WebSocket, for which there are no types. */
interface Socket {
  close(): void;
  addEventListener(type: "close", listener: () => void): void;
}

/**
 * Connects to a port of a pod's loopback. Needs the verb `create` on pods/portforward.
 *
 * @returns a stream that ends when the pod's side does; destroyed with the kubelet's words where the port refuses
 * @throws with the HTTP status where the API server refuses
 * @see https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster
 */
export async function forwardPort(
  config: KubeConfig,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  port: number,
): Promise<Duplex> {
  const input = new PassThrough();
  const stream = new Duplex({
    read() {},
    write: (chunk: Buffer, _, done) => void input.write(chunk, done),
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  const output = sink((chunk) => void stream.push(chunk));
  const errors = sink((chunk) => void stream.destroy(new Error(chunk.toString("utf8").trim())));
  const forward = new PortForward(config).portForward(namespace, name, [port], output, errors, input);
  const socket = (await forward.catch((error: { readonly message: string }) => {
    throw new Error(`the API server refuses to forward it: ${error.message}`);
  })) as Socket;
  socket.addEventListener("close", () => stream.push(null)); // the library ends its streams in no case
  return stream;
}

/** The library opens each channel by an empty chunk. */
function sink(take: (chunk: Buffer) => void): Writable {
  return new Writable({
    write(chunk: Buffer, _, done) {
      if (chunk.length > 0) take(chunk);
      done();
    },
  });
}
