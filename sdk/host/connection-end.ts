// One end of a TCP connection: what a test sees of it and does with it.
import { type ByteString, toByteString, toText } from "./bytes.ts";

/** The caller, or the upstream. */
export interface ConnectionEnd {
  /** What has reached this end, as text. */
  readonly received: string;
  /** No more will come: the other end has sent its last byte, or Envoy has closed the connection. */
  readonly isEnded: boolean;
  /** It was cut (a TCP reset): by the other end, or by Envoy, which closes so what it has not read to the last byte. */
  readonly isReset: boolean;
  /**
   * Sends bytes; `endStream` (default false) says that no more will come.
   *
   * @throws {Error} if the connection is closed, or if Envoy has not made it (yet) to this upstream
   */
  send(bytes: string | Uint8Array, options?: { readonly endStream?: boolean }): void;
  /** Cuts the connection (a TCP reset). As long as Envoy reads nothing, it does not notice; then the filter still sees what came before. @throws {Error} like `send` */
  reset(): void;
}

/** What stands behind the ends. */
export interface Wire {
  /** @throws {Error} where nothing can be sent from there */
  check(from: End): void;
  send(from: End, bytes: ByteString, endStream: boolean): void;
  reset(from: End): void;
}

export class End implements ConnectionEnd {
  isEnded = false;
  isReset = false;
  /** It has sent its last byte. */
  hasEnded = false;
  readonly #wire: Wire;
  #bytes: ByteString = "";

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  get received(): string {
    return toText(this.#bytes);
  }

  /** Both ways are at their end. */
  get isOver(): boolean {
    return this.isEnded && this.hasEnded;
  }

  send(bytes: string | Uint8Array, { endStream = false }: { readonly endStream?: boolean } = {}): void {
    this.#wire.check(this);
    this.hasEnded ||= endStream;
    this.#wire.send(this, toByteString(bytes), endStream);
  }

  reset(): void {
    this.#wire.check(this);
    this.#wire.reset(this);
  }

  /** Something reaches it. */
  take(bytes: ByteString, endStream: boolean): void {
    this.#bytes += bytes;
    this.isEnded ||= endStream;
  }
}
