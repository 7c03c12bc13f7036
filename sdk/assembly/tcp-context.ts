import * as BufferType from "../abi/buffer-type";
import * as peer from "../abi/peer-type";
import * as StreamType from "../abi/stream-type";
import { Body } from "./body";
import { isOver } from "./callback";
import { Context } from "./context";
import { proxy_close_stream, proxy_continue_stream } from "./env";
import { Status } from "./status";

/** What becomes of a connection's bytes. */
export enum TcpAction {
  /** On to the next filter. */
  Continue = 0,
  /** Hold them: the next callback of that direction has them again, with what came behind them. */
  StopIteration = 1,
}

/** Who closed a connection. */
export enum Peer {
  Unknown = peer.Unknown,
  /** Envoy, or this filter. */
  Local = peer.Local,
  /** The caller. */
  Remote = peer.Remote,
}

/** One TCP connection from downstream. Order: `onNewConnection`, data, closes, `onDone`, `onLog`, `onDelete`. */
export abstract class TcpContext extends Context {
  /** A connection was accepted. `StopIteration` holds it: before it goes on, Envoy connects to no upstream and reads nothing. */
  onNewConnection(): TcpAction {
    return TcpAction.Continue;
  }

  /** `size` bytes from the caller, in `downstream`. `endOfStream`: it sends no more. */
  onDownstreamData(size: u32, endOfStream: bool): TcpAction {
    return TcpAction.Continue;
  }

  /** `size` bytes from the upstream, in `upstream`. What is stopped here goes on with the next bytes from there only. */
  onUpstreamData(size: u32, endOfStream: bool): TcpAction {
    return TcpAction.Continue;
  }

  /** The connection to the caller is closed. */
  onDownstreamConnectionClose(by: Peer): void {}

  /** The upstream has sent its last byte; of a reset there is only `onDownstreamConnectionClose`. Always `Unknown`. */
  onUpstreamConnectionClose(by: Peer): void {}

  /** Before `onLog`: TCP has the order that HTTP has not. */
  onDone(): void {}

  /** What the caller sent, in `onDownstreamData` and until it goes on. */
  get downstream(): Body {
    this.makeEffective();
    return new Body(BufferType.DownstreamData);
  }

  /** What the upstream sent, in `onUpstreamData` and until it goes on. */
  get upstream(): Body {
    this.makeEffective();
    return new Body(BufferType.UpstreamData);
  }

  /** Lets go on what `onNewConnection` or `onDownstreamData` stopped. Envoy has no such thing for `onUpstreamData`. */
  continueDownstream(): Status {
    this.makeEffective();
    return proxy_continue_stream(StreamType.Downstream);
  }

  /**
   * Closes the connection to the caller, after this callback, once all that was sent to it has gone.
   *
   * @returns BadArgument, and nothing happens, in and after `onLog` and `onDone`
   */
  close(): Status {
    if (isOver(this.id) || !this.makeEffective()) return Status.BadArgument;
    return proxy_close_stream(StreamType.Downstream);
  }
}
