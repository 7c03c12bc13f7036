// The ends of connections through a real Envoy: sockets, and the server that Envoy connects to.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { end, type Move, type SeenEnd } from "./connections.ts";

/** One end, as it sees its connection. */
export class End {
  received = "";
  readonly #socket: Socket;
  #closed: SeenEnd["closed"] | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => {
      this.received += text;
    });
    socket.on("end", () => {
      this.#closed ??= "end";
    });
    socket.on("error", () => {
      if (this.#closed !== "itself") this.#closed = "reset";
    });
  }

  /** Undefined while the other end has not ended. */
  get seen(): SeenEnd | undefined {
    return this.#closed && { received: this.received, closed: this.#closed };
  }

  act(does: Move[1]): void {
    if (does === end) this.#socket.end();
    else if (typeof does === "string") this.#socket.write(Buffer.from(does, "latin1"));
    else {
      this.#closed = "itself";
      this.#socket.resetAndDestroy();
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export interface TcpUpstream {
  /** ip:port. */
  readonly address: string;
  /** All connections so far. */
  readonly ends: readonly End[];
  stop(): Promise<void>;
}

export async function startTcpUpstream(): Promise<TcpUpstream> {
  const ends: End[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => ends.push(new End(socket)));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    ends,
    async stop() {
      for (const one of ends) one.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
