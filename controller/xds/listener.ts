// EDGE. The port of the xDS server. gRPC's own listens without a limit on connections.
import { createServer, type Socket } from "node:net";

/** Connections in all: 2,000 proxies have as many, and twice that around a reconnect. Each takes 70 kB. */
const connectionsMax = 8192;

/** Connections of one address: of the pods of a node, 250 at most, where those come by the node's. */
const connectionsPerAddressMax = 256;

export interface Listener {
  readonly port: number;
  /** No more connections come. Resolves when those that are left have ended. */
  readonly close: () => Promise<void>;
  /** Ends those that are left. */
  readonly cut: () => void;
}

export interface ListenOptions {
  /** `127.0.0.1:15010`, `[::]:15012`; port 0: any free one. */
  readonly address: string;
  readonly onConnection: (socket: Socket) => void;
  /** A connection that is one too many was cut. */
  readonly onCut: (address: string, why: string) => void;
}

/** Rejects where the address cannot be had. */
export function listen({ address, onConnection, onCut }: ListenOptions): Promise<Listener> {
  const open = new Map<string, Set<Socket>>();
  let total = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    const { remoteAddress: peer = "unknown" } = socket;
    const own = open.get(peer) ?? new Set();
    if (total >= connectionsMax || own.size >= connectionsPerAddressMax) {
      socket.destroy();
      onCut(peer, `it has ${own.size} of ${total}: ${connectionsPerAddressMax} of ${connectionsMax} may be open`);
      return;
    }
    total += 1;
    open.set(peer, own.add(socket));
    socket.once("close", () => {
      total -= 1;
      own.delete(socket);
      if (own.size === 0) open.delete(peer);
    });
    onConnection(socket);
  });
  const cut = (): void => {
    for (const socket of [...open.values()].flatMap((own) => [...own])) socket.destroy();
  };
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) }, () => {
      server.off("error", reject);
      const bound = server.address();
      const close = (): Promise<void> => new Promise((closed) => server.close(() => closed()));
      resolve({ port: typeof bound === "object" && bound !== null ? bound.port : 0, close, cut });
    });
  });
}
