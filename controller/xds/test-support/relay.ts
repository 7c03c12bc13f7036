import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Leads connections on to a port of 127.0.0.1, where they come from another address: all of 127.0.0.0/8 are Linux's own. */
export async function relayFrom(localAddress: string, port: number): Promise<{ port: number; close: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect({ host: "127.0.0.1", port, localAddress });
    sockets.push(near, far);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => undefined);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
