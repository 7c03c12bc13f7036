// A TCP connection as a test holds it: it has both ends in its hands.
import * as PeerType from "../abi/peer-type.ts";
import type { Logged } from "./access-log.ts";
import { type ByteString, toByteString, toText } from "./bytes.ts";
import type { ListenerInit } from "./node.ts";
import type { Root } from "./root.ts";
import type { StreamInfo } from "./stream-info.ts";
import { TcpFilter } from "./tcp-filter.ts";

/** One end: the caller, or the upstream. */
export interface ConnectionEnd {
  /** What has reached this end, as text. */
  readonly received: string;
  /** The other end has sent its last byte. */
  readonly isEnded: boolean;
  /** Sends bytes; `endStream` (default false) says that no more will come. @throws {Error} if the connection is closed */
  send(bytes: string | Uint8Array, options?: { readonly endStream?: boolean }): void;
}

export interface ConnectionSetup {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** Undefined: there is no filter. */
  readonly root: Root | undefined;
  /** It is over: the access logs' turn. */
  onLogged(logged: Logged): void;
  onOver(): void;
}

export class Connection {
  /** The caller. */
  readonly client: ConnectionEnd;
  /** The upstream. */
  readonly server: ConnectionEnd;
  readonly #setup: ConnectionSetup;
  readonly #filter: TcpFilter | undefined;
  #isClosed = false;

  /** A connection that Envoy has accepted: the filter has seen it. */
  constructor(setup: ConnectionSetup) {
    this.#setup = setup;
    const { root } = setup;
    const client = received();
    const server = received();
    const chain = { ...setup, toServer: server.take, toClient: client.take, onClosed: () => this.#onClosed() };
    if (root !== undefined) this.#filter = root.vm.addContext((id) => new TcpFilter(id, root, chain));
    const filter = this.#filter;
    this.client = this.#end(client, PeerType.Remote, (bytes, end) =>
      filter === undefined ? server.take(bytes, end) : filter.onClientData(bytes, end),
    );
    this.server = this.#end(server, PeerType.Local, (bytes, end) =>
      filter === undefined ? client.take(bytes, end) : filter.onServerData(bytes, end),
    );
    filter?.open();
  }

  /** Both ends have sent their last byte, or the connection was closed. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True while the filter holds what the caller sends. */
  get isHeld(): boolean {
    return this.#filter?.isHeld ?? false;
  }

  /** The caller closes the connection. */
  close(): void {
    if (this.#isClosed) throw new Error("the connection is closed already");
    this.#close(PeerType.Remote);
  }

  #close(peer: number): void {
    if (this.#filter === undefined) this.#onClosed();
    else this.#filter.onClose(peer);
  }

  /** @param peer who closes the connection if this end is the last to end [measured, Envoy 1.40] */
  #end(inbox: Inbox, peer: number, deliver: (bytes: ByteString, endStream: boolean) => void): ConnectionEnd {
    return {
      get received() {
        return toText(inbox.bytes);
      },
      get isEnded() {
        return inbox.isEnded;
      },
      send: (bytes, { endStream = false } = {}) => {
        if (this.#isClosed) throw new Error("the connection is closed");
        deliver(toByteString(bytes), endStream);
        const isOver = this.client.isEnded && this.server.isEnded && !this.#isClosed;
        if (isOver) this.#close(peer);
      },
    };
  }

  #onClosed(): void {
    this.#isClosed = true;
    const { info, listener } = this.#setup;
    this.#setup.onLogged({ info, listener, headers: undefined });
    this.#setup.onOver();
  }
}

interface Inbox {
  bytes: ByteString;
  isEnded: boolean;
  take(bytes: ByteString, endStream: boolean): void;
}

function received(): Inbox {
  const inbox: Inbox = {
    bytes: "",
    isEnded: false,
    take(bytes, endStream) {
      inbox.bytes += bytes;
      inbox.isEnded = endStream;
    },
  };
  return inbox;
}
