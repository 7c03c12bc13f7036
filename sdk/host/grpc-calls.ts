// gRPC calls and streams of filters to clusters: the hostcalls, and the services that the test plays.
// @see Envoy source/extensions/common/wasm/context.cc grpcCall, grpcStream
import * as BufferType from "../abi/buffer-type.ts";
import * as CalloutType from "../abi/callout-type.ts";
import * as MapType from "../abi/map-type.ts";
import * as Status from "../abi/status.ts";
import { type ByteString, toArray, toByteString, toText } from "./bytes.ts";
import type { Timer, VirtualClock } from "./clock.ts";
import { NotEmulated } from "./errors.ts";
import { HeaderMap, type HeadersInit, type HeaderView } from "./header-map.ts";
import { decodePairs } from "./pairs.ts";
import type { Hostcalls, Received, RootContext, VmScope } from "./scope.ts";

/** How a call fails, or a stream ends: a status of gRPC, and its text as the filter sees it. Envoy adds its reason in braces. */
export interface GrpcEnd {
  /** Default 0. */
  readonly status?: number;
  /** Default "". */
  readonly text?: string;
  /** Of a stream. */
  readonly trailingMetadata?: HeadersInit;
}

/** A call or stream of a filter, as a test sees it. */
export interface GrpcCall {
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderView;
  /** What the filter sent so far; of a call: one. */
  readonly messages: readonly Uint8Array[];
  /** The filter sends no more. */
  readonly isComplete: boolean;
  /** False once it is over: answered, closed, cancelled, or its plugin ended. */
  readonly isOpen: boolean;
  /** Sends initial metadata, of a stream. @throws {Error} if it is over */
  sendMetadata(metadata: HeadersInit): void;
  /** Sends a message; a call is over with it. @throws {Error} if it is over */
  send(message: string | Uint8Array): void;
  /** Ends a stream, or lets a call fail. @throws {Error} if it is over */
  close(end?: GrpcEnd): void;
}

/** Told of each call and stream once the callback that started it is over; it may answer at once, or the test later. */
export type GrpcHandler = (call: GrpcCall) => void;

/** All gRPC calls and streams of a process, and who answers them. */
export class GrpcCalls {
  readonly clock: VirtualClock;
  readonly #handlers = new Map<string, GrpcHandler>();
  #open: readonly Call[] = [];

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  /** Makes a cluster known, and says who answers for it. */
  on(cluster: string, handler: GrpcHandler): void {
    this.#handlers.set(cluster, handler);
  }

  knows(cluster: string): boolean {
    return this.#handlers.has(cluster);
  }

  get open(): readonly Call[] {
    return this.#open;
  }

  start(call: Call): void {
    this.#open = [...this.#open, call];
    this.clock.after(0n, () => call.isOpen && this.#handlers.get(call.cluster)?.(call));
  }

  find(root: RootContext | undefined, token: number): Call | undefined {
    return this.#open.find((call) => call.root === root && call.token === token);
  }

  forget(call: Call): void {
    this.#open = this.#open.filter((other) => other !== call);
  }

  /** The plugin ends: nobody waits for its calls any more. */
  cancel(root: RootContext): void {
    for (const call of this.#open) if (call.root === root) call.end();
  }
}

interface CallInit {
  readonly root: RootContext;
  readonly token: number;
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderMap;
  readonly timeoutMs: number;
}

class Call implements GrpcCall {
  readonly root: RootContext;
  readonly token: number;
  readonly cluster: string;
  readonly service: string;
  readonly method: string;
  readonly metadata: HeaderMap;
  readonly messages: Uint8Array[] = [];
  isComplete = false;
  readonly #calls: GrpcCalls;
  readonly #timeout: Timer | undefined;

  constructor({ root, token, cluster, service, method, metadata, timeoutMs }: CallInit, calls: GrpcCalls) {
    this.root = root;
    this.token = token;
    this.cluster = cluster;
    this.service = service;
    this.method = method;
    this.metadata = metadata;
    this.#calls = calls;
    if (timeoutMs > 0)
      this.#timeout = calls.clock.after(BigInt(timeoutMs) * 1_000_000n, () => {
        throw new NotEmulated(`the timeout of a gRPC call, ${timeoutMs} ms,`);
      });
  }

  get isOpen(): boolean {
    return this.#calls.open.includes(this);
  }

  get #isStream(): boolean {
    return (this.token & 3) === CalloutType.GrpcStream;
  }

  sendMetadata(metadata: HeadersInit): void {
    if (!this.#isStream) throw new Error(`${this.method} is a call: Envoy tells filters nothing of its metadata`);
    this.#bringMap("proxy_on_grpc_receive_initial_metadata", MapType.GrpcInitialMetadata, metadata);
  }

  send(message: string | Uint8Array): void {
    this.#assertOpen();
    const bytes = toByteString(message);
    if (!this.#isStream) this.end();
    this.#bring({ buffers: { [BufferType.GrpcMessage]: bytes } }, "proxy_on_grpc_receive", bytes.length);
  }

  close({ status = 0, text = "", trailingMetadata = {} }: GrpcEnd = {}): void {
    this.#assertOpen();
    if (this.#isStream)
      this.#bringMap("proxy_on_grpc_receive_trailing_metadata", MapType.GrpcTrailingMetadata, trailingMetadata);
    this.end();
    this.#bring({ status: { code: status, message: toByteString(text) } }, "proxy_on_grpc_close", status);
  }

  /** It is over, and nobody hears of it. */
  end(): void {
    this.#timeout?.cancel();
    this.#calls.forget(this);
  }

  #bringMap(callback: string, type: number, init: HeadersInit): void {
    this.#assertOpen();
    const map = new HeaderMap("response", init);
    this.#bring({ maps: { [type]: map } }, callback, map.pairs.length);
  }

  #bring(received: Received, callback: string, word: number): void {
    this.root.receive(received, callback, [this.token, word]);
  }

  #assertOpen(): void {
    if (!this.isOpen) throw new Error(`${this.service}/${this.method} is over already`);
  }
}

export function grpcHostcalls(vm: VmScope): Hostcalls {
  const { grpcCalls } = vm.process;

  /** Starts a call or a stream. @param texts addresses and sizes of peer, service, method and metadata */
  function start(type: number, texts: readonly number[], message: readonly number[], timeoutMs: number, out: number) {
    const [peer, service, method, metadata] = [0, 2, 4, 6].map((i) => vm.memory.read(texts[i] ?? 0, texts[i + 1] ?? 0));
    const body = vm.memory.read(message[0] ?? 0, message[1] ?? 0);
    if (peer === undefined || service === undefined || method === undefined || metadata === undefined)
      return Status.InvalidMemoryAccess;
    if (body === undefined || !vm.memory.writeWord(out, 0)) return Status.InvalidMemoryAccess;
    const { root } = vm.context();
    const named = clusterOf(peer);
    const cluster = named ?? toText(peer);
    if (root === undefined) return Status.BadArgument;
    if (!grpcCalls.knows(cluster)) return named === undefined ? Status.ParseFailure : Status.InternalFailure;
    const token = vm.nextToken(type);
    vm.memory.writeWord(out, token);
    const headers = new HeaderMap("request");
    for (const [name, value] of decodePairs(metadata)) headers.add(name, value);
    const [serviceText, methodText] = [toText(service), toText(method)];
    const init = { root, token, cluster, service: serviceText, method: methodText, metadata: headers, timeoutMs };
    const call = new Call(init, grpcCalls);
    if (type === CalloutType.GrpcCall) {
      call.messages.push(toArray(body));
      call.isComplete = true;
    }
    grpcCalls.start(call);
    return Status.Ok;
  }

  const isCall = (token: number) => (token & 3) === CalloutType.GrpcCall;
  const isStream = (token: number) => (token & 3) === CalloutType.GrpcStream;

  return {
    proxy_grpc_call: (...words: number[]) =>
      start(CalloutType.GrpcCall, words.slice(0, 8), words.slice(8, 10), words[10] ?? 0, words[11] ?? 0),
    proxy_grpc_stream: (...words: number[]) => start(CalloutType.GrpcStream, words.slice(0, 8), [], 0, words[8] ?? 0),
    proxy_grpc_send(token: number, address: number, size: number, endOfStream: number) {
      const message = vm.memory.read(address, size);
      if (message === undefined) return Status.InvalidMemoryAccess;
      if (!isStream(token)) return Status.BadArgument;
      const call = grpcCalls.find(vm.context().root, token);
      if (call === undefined) return Status.NotFound;
      call.messages.push(toArray(message));
      if (endOfStream !== 0) call.isComplete = true;
      return Status.Ok;
    },
    /** Of a stream: the filter sends no more. Of a call: it is cancelled. */
    proxy_grpc_close(token: number) {
      if (!isCall(token) && !isStream(token)) return Status.BadArgument;
      const call = grpcCalls.find(vm.context().root, token);
      if (call === undefined) return Status.NotFound;
      if (isCall(token)) call.end();
      else call.isComplete = true;
      return Status.Ok;
    },
    proxy_grpc_cancel(token: number) {
      if (!isCall(token) && !isStream(token)) return Status.BadArgument;
      const call = grpcCalls.find(vm.context().root, token);
      if (call === undefined) return Status.NotFound;
      call.end();
      return Status.Ok;
    },
  };
}

/** The cluster in `GrpcService { envoy_grpc = 1 { cluster_name = 1 } }`; undefined where the bytes are not that: then they are a name. */
function clusterOf(peer: ByteString): string | undefined {
  const inner = onlyField(peer);
  const name = inner === undefined ? undefined : onlyField(inner);
  return name === undefined ? undefined : toText(name);
}

/** The content of field 1, if it is all that the message has. */
function onlyField(message: ByteString): ByteString | undefined {
  let [at, size, shift] = [1, 0, 0];
  for (let more = true; more; at++, shift += 7) {
    const byte = message.charCodeAt(at);
    if (Number.isNaN(byte) || shift > 28) return undefined;
    size |= (byte & 0x7f) << shift;
    more = byte >= 0x80;
  }
  return message.charCodeAt(0) === 0x0a && message.length === at + size ? message.slice(at) : undefined;
}
