// One direction of a stream past a filter: what the filter stops is held here until it goes on.
// @see Envoy source/common/http/filter_manager.cc ActiveStreamFilterBase
import * as DataAction from "../abi/data-action.ts";
import * as HeadersAction from "../abi/headers-action.ts";
import type { ByteString } from "./bytes.ts";
import type { Filter, Side } from "./filter.ts";
import { HeaderMap } from "./header-map.ts";

/** Bytes that a filter may change where they are. */
export interface Chunk {
  bytes: ByteString;
}

/** What stands behind a filter: the router, an upstream, the caller. */
export interface Sink {
  onHeaders(headers: HeaderMap, endStream: boolean): void;
  onBody(bytes: ByteString, endStream: boolean): void;
  onTrailers(trailers: HeaderMap): void;
}

export interface PassageOptions {
  readonly side: Side;
  /** Undefined: everything passes. */
  readonly filter: Filter | undefined;
  readonly next: Sink;
  /** Bytes that may be held before `onTooLarge`, unless the filter lets the sender slow down. */
  readonly limitBytes: number;
  onTooLarge(): void;
}

export class Passage implements Sink {
  readonly #options: PassageOptions;
  #iteration: "on" | "stopped" | "all stopped" = "on";
  /** What is held slows its sender down instead of being refused. */
  #isStreaming = false;
  /** What came while everything was stopped is the filter's to see first. */
  #isForFilter = false;
  #headers: HeaderMap | undefined;
  #haveHeadersPassed = false;
  #held: Chunk | undefined;
  #trailers: HeaderMap | undefined;
  #isComplete = false;
  #isAborted = false;

  constructor(options: PassageOptions) {
    this.#options = options;
  }

  /** The filter holds something. */
  get isHeld(): boolean {
    return this.#iteration !== "on" && !this.#isAborted;
  }

  /** The sender has sent everything. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Body that is held, for the filter to change. */
  get held(): Chunk {
    this.#held ??= { bytes: "" };
    return this.#held;
  }

  onHeaders(headers: HeaderMap, endStream: boolean): void {
    this.#headers = headers;
    this.#isComplete = endStream;
    const { filter, side } = this.#options;
    const action = filter?.onHeaders(side, headers, endStream) ?? HeadersAction.Continue;
    if (this.#isAborted) return;
    if (action === HeadersAction.Continue) this.#passHeaders();
    else {
      this.#iteration = action === HeadersAction.StopIteration ? "stopped" : "all stopped";
      this.#isStreaming = action === HeadersAction.StopAllIterationAndWatermark;
    }
  }

  onBody(bytes: ByteString, endStream: boolean): void {
    if (this.#isAborted) return;
    if (endStream) this.#isComplete = true;
    const chunk = { bytes };
    if (this.#iteration === "all stopped") this.#hold(chunk);
    else this.#throughFilter(chunk, endStream);
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.#isAborted) return;
    this.#isComplete = true;
    this.#trailers = trailers;
    if (this.#iteration !== "all stopped") this.#trailersThroughFilter(trailers);
  }

  /** Trailers for a message without any, from the callback that sees its end. */
  addTrailers(): HeaderMap {
    this.#trailers ??= new HeaderMap(`${this.#options.side} trailers`);
    return this.#trailers;
  }

  /** Goes on with all that is held. */
  goOn(): void {
    if (this.#isAborted || this.#headers === undefined) return;
    this.#isForFilter = this.#iteration === "all stopped";
    this.#iteration = "on";
    this.#passHeaders();
    const trailers = this.#trailers;
    const held = this.#held;
    if (held !== undefined && !this.#isAborted) {
      const endStream = this.#isComplete && trailers === undefined;
      if (this.#isForFilter) this.#throughFilter(held, endStream);
      else this.#passBody(held, endStream);
    }
    if (trailers !== undefined && !this.#isAborted) {
      if (!this.#isForFilter) this.#options.next.onTrailers(trailers);
      else this.#trailersThroughFilter(trailers);
    }
    this.#isForFilter = false;
  }

  /** From now on nothing passes: the stream was answered or cut. */
  abort(): void {
    this.#isAborted = true;
  }

  #throughFilter(chunk: Chunk, endStream: boolean): void {
    const { filter, side } = this.#options;
    const hadTrailers = this.#trailers !== undefined;
    if (filter?.isBuffering(side)) this.#hold(chunk);
    if (this.#isAborted) return;
    const action = filter?.onBody(side, chunk, endStream) ?? DataAction.Continue;
    if (this.#isAborted) return;
    if (action !== DataAction.Continue) {
      this.#iteration = "stopped";
      this.#isStreaming = action === DataAction.StopIterationAndWatermark;
      if (action !== DataAction.StopIterationNoBuffer) this.#hold(chunk);
      else {
        chunk.bytes = "";
        if (this.#isComplete && this.#trailers === undefined) this.#held ??= { bytes: "" }; // the end goes on alone
      }
      return;
    }
    if (this.#iteration === "stopped") {
      this.#hold(chunk);
      this.goOn();
      return;
    }
    const added = hadTrailers ? undefined : this.#trailers;
    this.#passBody(chunk, endStream && added === undefined);
    if (added !== undefined && !this.#isAborted) this.#options.next.onTrailers(added);
  }

  #trailersThroughFilter(trailers: HeaderMap): void {
    const { filter, side, next } = this.#options;
    const passes = filter?.onTrailers(side, trailers) ?? true;
    if (this.#isAborted) return;
    if (!passes) this.#iteration = "stopped";
    else if (this.#iteration === "stopped") this.goOn();
    else next.onTrailers(trailers);
  }

  #passHeaders(): void {
    if (this.#haveHeadersPassed || this.#headers === undefined) return;
    this.#haveHeadersPassed = true;
    const isWhole = this.#isComplete && this.#held === undefined && this.#trailers === undefined;
    this.#options.next.onHeaders(this.#headers, isWhole);
  }

  #passBody(chunk: Chunk, endStream: boolean): void {
    const { bytes } = chunk;
    if (chunk === this.#held) this.#held = undefined;
    chunk.bytes = "";
    if (bytes !== "" || endStream) this.#options.next.onBody(bytes, endStream);
  }

  #hold(chunk: Chunk): void {
    if (chunk === this.#held) return;
    this.held.bytes += chunk.bytes;
    chunk.bytes = "";
    if (!this.#isStreaming && this.held.bytes.length > this.#options.limitBytes) this.#options.onTooLarge();
  }
}
