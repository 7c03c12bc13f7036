import { connect, type Socket } from "node:net";

const connections = 16;
const request = "GET / HTTP/1.1\r\nhost: bench\r\n\r\n";

/** Connections that are kept, each with one request at a time. All responses have the same length. */
export class Client {
  readonly #sockets: readonly Socket[];
  readonly #size: number;

  /** @throws where the filter has not, or has, added its header to the response */
  static async open(port: number, isFiltered: boolean): Promise<Client> {
    const sockets = await Promise.all(Array.from({ length: connections }, () => opened(port)));
    const first = await new Promise<Buffer>((resolve) => {
      sockets[0]?.once("data", resolve).write(request);
    });
    const text = first.toString("latin1");
    if (!text.startsWith("HTTP/1.1 200") || /x-hello: from sluice/i.test(text) !== isFiltered)
      throw new Error(`unexpected response:\n${text}`);
    return new Client(sockets, first.length);
  }

  private constructor(sockets: readonly Socket[], size: number) {
    this.#sockets = sockets;
    this.#size = size;
  }

  /** Sends so many requests and reads their responses. */
  async ask(count: number): Promise<void> {
    const share = count / this.#sockets.length;
    await Promise.all(this.#sockets.map((socket) => this.#askOn(socket, share)));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #askOn(socket: Socket, count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let [left, missing] = [count, this.#size];
      const onClose = (): void => reject(new Error("Envoy closed a connection"));
      const onData = ({ length }: Buffer): void => {
        missing -= length;
        if (missing > 0) return;
        missing = this.#size;
        left -= 1;
        if (left > 0) return void socket.write(request);
        socket.off("data", onData).off("close", onClose);
        resolve();
      };
      socket.on("data", onData).once("close", onClose).write(request);
    });
  }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket)).setNoDelay();
    socket.once("error", reject);
  });
}
