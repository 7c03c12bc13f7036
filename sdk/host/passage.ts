// One direction of a stream past a filter: what the filter stops is held until it goes on.
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

/** What has come of a request or response. What its filters hold of the body is one buffer, whoever holds it, as in Envoy. */
export class Message {
  headers: HeaderMap | undefined;
  held: Chunk | undefined;
  trailers: HeaderMap | undefined;
  /** The sender has sent everything. */
  isComplete = false;
  /** Nothing passes any more: the stream was answered or cut. */
  isAborted = false;

  /** Body that is held, for a filter to change. */
  get body(): Chunk {
    this.held ??= { bytes: "" };
    return this.held;
  }

  /** Trailers for a message without any, from the callback that sees its end. */
  addTrailers(side: Side): HeaderMap {
    this.trailers ??= new HeaderMap(`${side} trailers`);
    return this.trailers;
  }
}

/** What a passage asks of a filter. */
export type PassedFilter = Pick<Filter, "onHeaders" | "onBody" | "onTrailers" | "isBuffering">;

export interface PassageOptions {
  readonly side: Side;
  readonly message: Message;
  /** Undefined: everything passes. */
  readonly filter: PassedFilter | undefined;
  readonly next: Sink;
  /** Bytes that may be held before `onTooLarge`, unless the filter lets the sender slow down. */
  readonly limitBytes: number;
  onTooLarge(): void;
}

export class Passage implements Sink {
  readonly #options: PassageOptions;
  readonly #message: Message;
  #iteration: "on" | "stopped" | "all stopped" = "on";
  /** What is held slows its sender down instead of being refused. */
  #isStreaming = false;
  /** What came while everything was stopped is the filter's to see first. */
  #isForFilter = false;
  #haveHeadersPassed = false;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#message = options.message;
  }

  /** The filter holds something. */
  get isHeld(): boolean {
    return this.#iteration !== "on" && !this.#message.isAborted;
  }

  onHeaders(headers: HeaderMap, endStream: boolean): void {
    if (this.#message.isAborted) return;
    this.#message.headers = headers;
    if (endStream) this.#message.isComplete = true;
    const { filter, side } = this.#options;
    const action = filter?.onHeaders(side, headers, endStream) ?? HeadersAction.Continue;
    if (this.#message.isAborted) return;
    if (action === HeadersAction.Continue) this.#passHeaders();
    else {
      this.#iteration = action === HeadersAction.StopIteration ? "stopped" : "all stopped";
      this.#isStreaming = action === HeadersAction.StopAllIterationAndWatermark;
    }
  }

  onBody(bytes: ByteString, endStream: boolean): void {
    if (this.#message.isAborted) return;
    if (endStream) this.#message.isComplete = true;
    const chunk = { bytes };
    if (this.#iteration === "all stopped") this.#hold(chunk);
    else this.#throughFilter(chunk, endStream);
  }

  onTrailers(trailers: HeaderMap): void {
    if (this.#message.isAborted) return;
    this.#message.isComplete = true;
    this.#message.trailers = trailers;
    if (this.#iteration !== "all stopped") this.#trailersThroughFilter(trailers);
  }

  /** Goes on with all that is held. */
  goOn(): void {
    if (this.#message.isAborted || this.#message.headers === undefined) return;
    this.#isForFilter = this.#iteration === "all stopped";
    this.#iteration = "on";
    this.#passHeaders();
    const trailers = this.#message.trailers;
    const held = this.#message.held;
    if (held !== undefined && !this.#message.isAborted) {
      const endStream = this.#message.isComplete && trailers === undefined;
      if (this.#isForFilter) this.#throughFilter(held, endStream);
      else this.#passBody(held, endStream);
    }
    if (trailers !== undefined && !this.#message.isAborted) {
      if (!this.#isForFilter) this.#options.next.onTrailers(trailers);
      else this.#trailersThroughFilter(trailers);
    }
    this.#isForFilter = false;
  }

  #throughFilter(chunk: Chunk, endStream: boolean): void {
    const { filter, side } = this.#options;
    const hadTrailers = this.#message.trailers !== undefined;
    if (filter?.isBuffering(side)) this.#hold(chunk);
    if (this.#message.isAborted) return;
    const action = filter?.onBody(side, chunk, endStream) ?? DataAction.Continue;
    if (this.#message.isAborted) return;
    if (action !== DataAction.Continue) {
      this.#iteration = "stopped";
      this.#isStreaming = action === DataAction.StopIterationAndWatermark;
      if (action !== DataAction.StopIterationNoBuffer) this.#hold(chunk);
      else {
        chunk.bytes = "";
        if (this.#message.isComplete && this.#message.trailers === undefined) this.#message.held ??= { bytes: "" }; // the end goes on alone
      }
      return;
    }
    if (this.#iteration === "stopped") {
      this.#hold(chunk);
      this.goOn();
      return;
    }
    const added = hadTrailers ? undefined : this.#message.trailers;
    this.#passBody(chunk, endStream && added === undefined);
    if (added !== undefined && !this.#message.isAborted) this.#options.next.onTrailers(added);
  }

  #trailersThroughFilter(trailers: HeaderMap): void {
    const { filter, side, next } = this.#options;
    const passes = filter?.onTrailers(side, trailers) ?? true;
    if (this.#message.isAborted) return;
    if (!passes) this.#iteration = "stopped";
    else if (this.#iteration === "stopped") this.goOn();
    else next.onTrailers(trailers);
  }

  #passHeaders(): void {
    if (this.#haveHeadersPassed || this.#message.headers === undefined) return;
    this.#haveHeadersPassed = true;
    const isWhole =
      this.#message.isComplete && this.#message.held === undefined && this.#message.trailers === undefined;
    this.#options.next.onHeaders(this.#message.headers, isWhole);
  }

  #passBody(chunk: Chunk, endStream: boolean): void {
    const { bytes } = chunk;
    if (chunk === this.#message.held) this.#message.held = undefined;
    chunk.bytes = "";
    this.#options.next.onBody(bytes, endStream);
  }

  #hold(chunk: Chunk): void {
    if (chunk === this.#message.held) return;
    this.#message.body.bytes += chunk.bytes;
    chunk.bytes = "";
    if (!this.#isStreaming && this.#message.body.bytes.length > this.#options.limitBytes) this.#options.onTooLarge();
  }
}
