// gRPC calls of a filter's own, to a cluster that Envoy knows. Messages are bytes: protobuf is the filter's business.
import * as BufferType from "../abi/buffer-type";
import * as CalloutType from "../abi/callout-type";
import * as MapType from "../abi/map-type";
import { awaitAnswer, findWaiting, forgetCallout, Handler } from "./callouts";
import { Context } from "./context";
import {
  proxy_get_buffer_bytes,
  proxy_get_status,
  proxy_grpc_call,
  proxy_grpc_cancel,
  proxy_grpc_close,
  proxy_grpc_send,
  proxy_grpc_stream,
} from "./env";
import { HeaderMap } from "./header-map";
import {
  Argument,
  FIRST,
  OUT_PTR,
  OUT_SIZE,
  OUT_WORD,
  SECOND,
  THIRD,
  valueBytes,
  valuePtr,
  valueSize,
} from "./host-memory";
import { encodePairs } from "./pairs";
import { FIELD_HEAD, writeFieldHead, writeText } from "./protobuf";
import { Status } from "./status";
import { decodeUtf8, maxUtf8Size } from "./utf8";

/** A call, written as an object: `{ cluster: "auth", service: "envoy.service.auth.v3.Authorization", method: "Check", message }`. */
export class GrpcCall {
  /** A cluster of Envoy's configuration, which speaks HTTP/2. */
  cluster: string = "";
  /** With its package. */
  service: string = "";
  method: string = "";
  /** Names and values of the initial metadata. */
  metadata: string[][] = [];
  /** The request of a call; of a stream: none, send them by `GrpcStream.send`. */
  message: Uint8Array = new Uint8Array(0);
  /** Of a call. 0: none. */
  timeoutMs: u32 = 5000;
}

/** What becomes of a call: one of both methods is called, once, while the stream that made it lives. */
export abstract class GrpcCallHandler extends Handler {
  /** The response; of a stream: each one. */
  onMessage(message: Uint8Array): void {}

  /**
   * It failed; of a stream: it is over, with status 0 where all went well.
   *
   * @param status  of gRPC: 14 where nobody was there
   * @param message as Envoy has it: percent-encoded, with Envoy's own reason in braces behind it
   */
  onClose(status: u32, message: string): void {}
}

/** What becomes of a stream. The maps are there while the method runs. */
export abstract class GrpcStreamHandler extends GrpcCallHandler {
  onInitialMetadata(metadata: HeaderMap): void {}

  onTrailingMetadata(metadata: HeaderMap): void {}
}

/** A stream that is open. It is the host's number: nothing is allocated for it. */
@final
@unmanaged
export class GrpcStream {
  constructor(token: u32) {
    return changetype<GrpcStream>(<usize>token);
  }

  get token(): u32 {
    return <u32>changetype<usize>(this);
  }

  /** Sends a message. @param last no other follows: the peer sees the end */
  send(message: Uint8Array, last: bool = false): Status {
    return proxy_grpc_send(this.token, message.dataStart, message.byteLength, last);
  }

  /** No message follows; those of the peer still come. */
  close(): Status {
    return proxy_grpc_close(this.token);
  }

  /** Breaks it off: the handler hears nothing any more. */
  cancel(): Status {
    forgetCallout(this.token);
    return proxy_grpc_cancel(this.token);
  }
}

const METADATA = changetype<Argument>(memory.data(16, 4));

/** Sends a call in the name of this context, which must be the effective one. */
export function sendGrpcCall(context: Context, call: GrpcCall, handler: GrpcCallHandler): Status {
  const status = inline.always(open(call, false));
  if (status == Status.Ok) awaitAnswer(load<u32>(OUT_WORD), context, handler);
  return status;
}

/** Opens a stream in the name of this context, which must be the effective one; null if Envoy refused. */
export function openGrpcStream(context: Context, call: GrpcCall, handler: GrpcStreamHandler): GrpcStream | null {
  if (inline.always(open(call, true)) != Status.Ok) return null;
  const token = load<u32>(OUT_WORD);
  awaitAnswer(token, context, handler);
  return new GrpcStream(token);
}

/** @param isStream a constant where this is inlined: so a filter imports only the one that it uses */
function open(call: GrpcCall, isStream: bool): Status {
  const peer = peerOf(call.cluster);
  const service = SECOND.text(call.service);
  const method = THIRD.text(call.method);
  const metadata = encodePairs(call.metadata, METADATA);
  if (isStream) {
    return proxy_grpc_stream(
      peer.ptr,
      peer.size,
      service.ptr,
      service.size,
      method.ptr,
      method.size,
      metadata.ptr,
      metadata.size,
      OUT_WORD,
    );
  }
  const message = call.message;
  return proxy_grpc_call(
    peer.ptr,
    peer.size,
    service.ptr,
    service.size,
    method.ptr,
    method.size,
    metadata.ptr,
    metadata.size,
    message.dataStart,
    message.byteLength,
    call.timeoutMs,
    OUT_WORD,
  );
}

/**
 * The message `GrpcService { EnvoyGrpc envoy_grpc = 1 { string cluster_name = 1 } }`. Envoy also takes a bare name, but one
 * that happens to be protobuf, such as "p1", is taken for that.
 */
function peerOf(cluster: string): Argument {
  const start = FIRST.room(maxUtf8Size(cluster.length) + 2 * FIELD_HEAD);
  const end = writeText(start + FIELD_HEAD, 1, cluster);
  writeFieldHead(start, 1, end - start - FIELD_HEAD);
  FIRST.size = end - start;
  return FIRST;
}

export function receiveGrpcMetadata(token: u32, isTrailing: bool): void {
  const handler = findWaiting<GrpcStreamHandler>(token);
  if (handler == null) return;
  if (isTrailing) handler.onTrailingMetadata(new HeaderMap(MapType.GrpcTrailingMetadata));
  else handler.onInitialMetadata(new HeaderMap(MapType.GrpcInitialMetadata));
}

/** A call's message is also its end. */
export function receiveGrpcMessage(token: u32): void {
  const handler = findWaiting<GrpcCallHandler>(token);
  if (handler == null) return;
  if ((token & 3) == CalloutType.GrpcCall) forgetCallout(token);
  const status = proxy_get_buffer_bytes(BufferType.GrpcMessage, 0, i32.MAX_VALUE, OUT_PTR, OUT_SIZE);
  handler.onMessage(status == Status.Ok ? valueBytes() : new Uint8Array(0));
}

/** @param root the context whose callback runs: only it knows the status' message */
export function closeGrpc(root: Context, token: u32, status: u32): void {
  root.makeEffective();
  const known = proxy_get_status(OUT_WORD, OUT_PTR, OUT_SIZE) == Status.Ok;
  const message = known ? decodeUtf8(valuePtr(), valueSize()) : "";
  const handler = findWaiting<GrpcCallHandler>(token);
  if (handler == null) return;
  forgetCallout(token);
  handler.onClose(status, message);
}
