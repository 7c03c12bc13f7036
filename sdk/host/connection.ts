// A TCP connection as a test holds it, with both ends in its hands and Envoy's tcp_proxy between them.
// @see Envoy source/common/tcp_proxy/tcp_proxy.cc; who closes, and in which order, is measured
import * as PeerType from "../abi/peer-type.ts";
import type { Logged } from "./access-log.ts";
import type { ByteString } from "./bytes.ts";
import { type ConnectionEnd, End, type Wire } from "./connection-end.ts";
import { NotEmulated } from "./errors.ts";
import type { ListenerInit } from "./node.ts";
import { resets } from "./resets.ts";
import type { Root } from "./root.ts";
import { defaultEndpoint } from "./router.ts";
import { Flag, type FlagName, flagNames, leftIn, type StreamInfo } from "./stream-info.ts";
import { TcpFilter } from "./tcp-filter.ts";

export interface ConnectionSetup {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  /** Undefined: there is no filter. */
  readonly root: Root | undefined;
  /** Nobody listens at the endpoint. */
  readonly isRefused: boolean;
  /** The monotonic clock. */
  nowNs(): bigint;
  /** It is over: the access logs' turn. */
  onLogged(logged: Logged): void;
  onOver(): void;
}

/** A TCP connection, step by step: what either end does, the filter has seen when the call returns. */
export class Connection {
  readonly #setup: ConnectionSetup;
  readonly #client: End;
  readonly #server: End;
  readonly #filter: TcpFilter | undefined;
  /** What the caller has sent before Envoy reads. */
  #unread: ByteString = "";
  /** It has reset the connection before Envoy reads. */
  #isResetUnread = false;
  #isConnected = false;
  #isClosed = false;

  /** A connection that Envoy has accepted: the filter has seen it. */
  constructor(setup: ConnectionSetup) {
    this.#setup = setup;
    const wire: Wire = {
      check: (from) => this.#check(from),
      send: (from, bytes, endStream) => this.#receive(from, bytes, endStream),
      reset: (from) => this.#reset(from),
    };
    this.#client = new End(wire);
    this.#server = new End(wire);
    const { root, info, listener } = setup;
    if (root === undefined) this.#connect();
    else {
      const chain = {
        info,
        listener,
        connect: () => this.#connect(),
        toServer: (bytes: ByteString, endStream: boolean) => this.#toServer(bytes, endStream),
        toClient: (bytes: ByteString, endStream: boolean) => this.#toClient(bytes, endStream),
        close: () => this.#close(PeerType.Local),
      };
      this.#filter = root.vm.addContext((id) => new TcpFilter(id, root, chain));
      this.#filter.open();
    }
  }

  /** The caller. */
  get client(): ConnectionEnd {
    return this.#client;
  }

  /** The upstream. */
  get server(): ConnectionEnd {
    return this.#server;
  }

  /** Both ends have sent their last byte, one has reset it, or Envoy has closed it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Envoy has connected to the upstream. Before, it reads nothing of what the caller sends. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** True while the filter holds the connection, or what the caller sends. */
  get isHeld(): boolean {
    return !this.#isClosed && (!this.#isConnected || this.#filter?.isHolding === true);
  }

  /** As the access log has them: UF and URX where nobody listens, UH where there is no endpoint, NC where there is no cluster, UO where its circuit breaker has no room, UR where the upstream resets. */
  get flags(): readonly FlagName[] {
    return flagNames(this.#setup.info.flags);
  }

  /** What the filter left by proxy_set_property, by key without Envoy's prefix `wasm.`. */
  get filterState(): ReadonlyMap<string, string> {
    return leftIn(this.#setup.info);
  }

  #check(from: End): void {
    if (this.#isClosed) throw new Error("the connection is closed");
    if (from === this.#client && this.#isResetUnread) throw new Error("the caller has reset the connection");
    if (from === this.#server && !this.#isConnected) throw new Error("Envoy has not connected to the upstream");
  }

  /** tcp_proxy's turn, once. */
  #connect(): void {
    const { info, isRefused } = this.#setup;
    if (this.#isClosed || info.tcp === "proxied") return;
    info.tcp = "proxied";
    if (info.cluster === undefined) {
      this.#fail(Flag.NC);
      return;
    }
    const [endpoint] = info.cluster.endpoints ?? [defaultEndpoint];
    if (endpoint === undefined) {
      this.#fail(Flag.UH);
      return;
    }
    if (info.cluster.overflow === "requests") {
      this.#fail(Flag.UO);
      return;
    }
    info.endpoint = endpoint;
    info.attempts = 1;
    if (isRefused) {
      info.transportFailure = resets["connection-failure"].transportFailure;
      this.#fail(Flag.UF | Flag.URX);
      return;
    }
    this.#isConnected = true;
    info.isConnected = true;
    const unread = this.#unread;
    this.#unread = "";
    if (unread !== "" || this.#client.hasEnded) this.#receive(this.#client, unread, this.#client.hasEnded);
    if (this.#isResetUnread && !this.#isClosed) this.#reset(this.#client);
  }

  #receive(from: End, bytes: ByteString, endStream: boolean): void {
    if (!this.#isConnected) {
      this.#unread += bytes;
      return;
    }
    if (from === this.#client) this.#fromClient(bytes, endStream);
    else if (this.#filter === undefined) this.#toClient(bytes, endStream);
    else this.#filter.onServerData(bytes, endStream);
    if (this.#client.isOver) this.#close(from === this.#client ? PeerType.Remote : PeerType.Local);
    else if (this.#server.isOver) this.#close(PeerType.Local);
  }

  #fromClient(bytes: ByteString, endStream: boolean): void {
    if (this.#filter !== undefined) this.#filter.onClientData(bytes, endStream);
    else {
      this.#setup.info.requestBodyBytes += bytes.length;
      this.#toServer(bytes, endStream);
    }
  }

  /** What the caller's reset overtakes is lost. */
  #toServer(bytes: ByteString, endStream: boolean): void {
    if (!this.#isResetUnread) this.#server.take(bytes, endStream);
  }

  #toClient(bytes: ByteString, endStream: boolean): void {
    this.#setup.info.responseBodyBytes += bytes.length;
    this.#client.take(bytes, endStream);
  }

  #reset(from: End): void {
    if (!this.#isConnected) {
      if (from.hasEnded) throw new NotEmulated("a reset behind an end that Envoy has not read");
      this.#isResetUnread = true;
      return;
    }
    const isByClient = from === this.#client;
    const other = isByClient ? this.#server : this.#client;
    other.isReset = true;
    if (!isByClient) this.#setup.info.flags |= Flag.UR;
    this.#close(isByClient ? PeerType.Remote : PeerType.Local);
  }

  #fail(flag: number): void {
    this.#setup.info.flags |= flag;
    this.#close(PeerType.Local);
  }

  /** Once. What the filter still holds is gone. @param peer who closes the connection to the caller */
  #close(peer: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#unread !== "") this.#client.isReset = true;
    for (const end of [this.#client, this.#server]) end.isEnded = true;
    this.#filter?.onClose(peer);
    const { info, listener, nowNs, onLogged, onOver } = this.#setup;
    info.durationNs = nowNs() - info.startedAtNs;
    onLogged({ info, listener, headers: undefined });
    onOver();
  }
}
