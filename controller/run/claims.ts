import { createServer, type Server } from "node:net";
import { isFree } from "./sockets.ts";

/**
 * What this run has chosen and no other `sluice up` may choose: a port stays free for a while before what it is for
 * binds it, and Envoys even share one (SO_REUSEPORT), so that two meshes would get each other's requests. Each claim is
 * a socket that the run holds, so that the system lets go of it when the run ends, however it ends.
 */
export class Claims {
  readonly #held = new Map<string, Server>();

  /** Claims a port of 127.0.0.1 that can be bound: `wanted`, else (and for 0) any. @throws where there is none */
  async port(wanted: number): Promise<number> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const port = attempt === 0 && wanted !== 0 ? wanted : await anyPort();
      if ((await isFree(port, "127.0.0.1")) && (await this.#hold(portClaims, port))) return port;
    }
    throw new Error("no port of 127.0.0.1 is free");
  }

  /** Claims an address of 127.0.18.0/24; false where another run has it. */
  address(ip: string): Promise<boolean> {
    return this.#hold(ip, addressClaimPort);
  }

  /** Gives all back. */
  release(): void {
    for (const server of this.#held.values()) server.close();
    this.#held.clear();
  }

  async #hold(host: string, port: number): Promise<boolean> {
    const key = `${host}:${port}`;
    if (this.#held.has(key)) return true;
    const server = createServer((socket) => socket.destroy());
    const code = await new Promise<string | undefined>((resolve) => {
      server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
      server.listen({ host, port, exclusive: true }, () => resolve(undefined));
    });
    if (code === undefined) this.#held.set(key, server.unref());
    return code === undefined || code === "EADDRNOTAVAIL"; // macOS has no 127.0.18.0: then there are no claims
  }
}

/** Claims of ports of 127.0.0.1 are the same ports of this address, which no pod has. */
const portClaims = "127.0.18.0";
/** Istio's agent would listen here; there is none. */
const addressClaimPort = 15020;
const attemptsMax = 100;

function anyPort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: "127.0.0.1", port: 0 }, () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
