// The filters of one chain and what each of them holds: a request passes them in order, a response in reverse.
// @see Envoy source/common/http/filter_manager.cc
import * as DataAction from "../abi/data-action.ts";
import * as HeadersAction from "../abi/headers-action.ts";
import * as StreamType from "../abi/stream-type.ts";
import { Filter, type FilterChain, type LoggedHeaders, type Side } from "./filter.ts";
import type { HeaderMap } from "./header-map.ts";
import { type LocalReply, tooLarge } from "./local-reply.ts";
import { bufferLimit, type ListenerInit } from "./node.ts";
import { type Chunk, Message, Passage, type PassedFilter, type Sink } from "./passage.ts";
import type { Root } from "./root.ts";
import type { StreamInfo } from "./stream-info.ts";

/** A filter's root, or what chooses it when the request's headers come to its place; undefined: they pass by. */
export type FilterRoot = Root | ((headers: HeaderMap) => Root | undefined);

/** The stream that has the filters. */
export interface FilterManagerOwner {
  readonly info: StreamInfo;
  readonly listener: ListenerInit;
  sendLocalReply(reply: LocalReply): void;
  /** A filter is about to go on with one direction. */
  onContinue?(side: Side): void;
  /** Has the route chosen anew. */
  clearRouteCache?(): void;
  /** Resets the stream. */
  cut(): void;
}

export class FilterManager {
  readonly #links: Link[] = [];
  readonly #messages: Readonly<Record<Side, Message>> = { request: new Message(), response: new Message() };
  /** What each direction begins with. */
  readonly request: Sink;
  readonly response: Sink;

  /**
   * @param roots whose filters are made, in the order of the chain: one by one, as each may load a VM
   * @param ends what stands behind the last one, each way
   */
  constructor(roots: Iterable<FilterRoot>, owner: FilterManagerOwner, ends: Readonly<Record<Side, Sink>>) {
    for (const root of roots) this.#links.push(new Link(root, owner, this.#messages));
    let { request, response } = ends;
    for (const link of this.#links) response = link.connect("response", response);
    for (let i = this.#links.length - 1; i >= 0; i--) request = this.#links[i]?.connect("request", request) ?? request;
    const isEmpty = this.#links.length === 0;
    this.request = isEmpty ? this.#pass("request", request) : request;
    this.response = isEmpty ? this.#pass("response", response) : response;
  }

  /** A filter holds something. */
  get isHeld(): boolean {
    return this.#links.some((link) => link.isHeld);
  }

  /** The sender has sent everything. */
  isComplete(side: Side): boolean {
    return this.#messages[side].isComplete;
  }

  /** From now on nothing passes that way: the stream was answered or cut. */
  abort(side: Side): void {
    this.#messages[side].isAborted = true;
  }

  /** The way past no filter. */
  #pass(side: Side, next: Sink): Sink {
    const message = this.#messages[side];
    return new Passage({ side, filter: undefined, message, next, limitBytes: 0, onTooLarge: () => {} });
  }

  onLog(headers: LoggedHeaders): void {
    for (const { filter } of this.#links) filter?.onLog(headers);
  }

  onDestroy(): void {
    for (const { filter } of this.#links) filter?.onDestroy();
  }
}

/** A filter at its place. */
class Link implements FilterChain, PassedFilter {
  #filter: Filter | undefined;
  readonly #root: FilterRoot;
  readonly #owner: FilterManagerOwner;
  readonly #messages: Readonly<Record<Side, Message>>;
  readonly #passages: Partial<Record<Side, Passage>> = {};

  constructor(root: FilterRoot, owner: FilterManagerOwner, messages: Readonly<Record<Side, Message>>) {
    this.#owner = owner;
    this.#messages = messages;
    this.#root = root;
    if (typeof root !== "function") this.#filter = Filter.create(root, this);
  }

  connect(side: Side, next: Sink): Sink {
    const passage = new Passage({
      side,
      filter: this,
      message: this.#messages[side],
      next,
      limitBytes: bufferLimit(this.listener, this.info.connection.protocol),
      onTooLarge: () => this.sendLocalReply(tooLarge[side]),
    });
    this.#passages[side] = passage;
    return passage;
  }

  /** Undefined of one that the request has passed by, or not come to. */
  get filter(): Filter | undefined {
    return this.#filter;
  }

  onHeaders(side: Side, headers: HeaderMap, endStream: boolean): number {
    if (side === "request" && typeof this.#root === "function") {
      const root = this.#root(headers);
      if (root !== undefined) this.#filter = Filter.create(root, this);
    }
    return this.#filter?.onHeaders(side, headers, endStream) ?? HeadersAction.Continue;
  }

  onBody(side: Side, chunk: Chunk, endStream: boolean): number {
    return this.#filter?.onBody(side, chunk, endStream) ?? DataAction.Continue;
  }

  onTrailers(side: Side, trailers: HeaderMap): boolean {
    return this.#filter?.onTrailers(side, trailers) ?? true;
  }

  isBuffering(side: Side): boolean {
    return this.#filter?.isBuffering(side) ?? false;
  }

  get isHeld(): boolean {
    return Object.values(this.#passages).some((passage) => passage.isHeld);
  }

  get info(): StreamInfo {
    return this.#owner.info;
  }

  get listener(): ListenerInit {
    return this.#owner.listener;
  }

  sendLocalReply(reply: LocalReply): void {
    this.#owner.sendLocalReply(reply);
  }

  continueStream(type: number): void {
    const side = type === StreamType.Request ? "request" : "response";
    this.#owner.onContinue?.(side);
    this.#passages[side]?.goOn();
  }

  clearRouteCache(): void {
    this.#owner.clearRouteCache?.();
  }

  cut(): void {
    this.#owner.cut();
  }

  held(side: Side): Chunk {
    return this.#messages[side].body;
  }

  addTrailers(side: Side): HeaderMap {
    return this.#messages[side].addTrailers(side);
  }
}
