// The hostcalls of gRPC: calls and streams of filters to clusters.
// @see Envoy source/extensions/common/wasm/context.cc grpcCall, grpcStream
import * as CalloutType from "../abi/callout-type.ts";
import * as Status from "../abi/status.ts";
import { type ByteString, toArray, toText } from "./bytes.ts";
import { Call, type CallInit } from "./grpc-calls.ts";
import { HeaderMap } from "./header-map.ts";
import { addEnvoyHeaders } from "./http-calls.ts";
import { decodePairs } from "./pairs.ts";
import { decodeFields } from "./protobuf.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function grpcHostcalls(vm: VmScope): Hostcalls {
  const { grpcCalls } = vm.process;

  /**
   * Starts a call or a stream.
   *
   * @param texts addresses and sizes of peer, service, method and metadata
   * @param message of a call
   */
  function start(
    type: number,
    texts: readonly number[],
    message: readonly number[],
    timeoutMs: number | undefined,
    out: number,
  ) {
    const [peer, service, method, metadata] = [0, 2, 4, 6].map((i) => vm.memory.read(texts[i] ?? 0, texts[i + 1] ?? 0));
    const body = vm.memory.read(message[0] ?? 0, message[1] ?? 0);
    if (peer === undefined || service === undefined || method === undefined || metadata === undefined)
      return Status.InvalidMemoryAccess;
    if (body === undefined) return Status.InvalidMemoryAccess;
    const { root } = vm.context();
    const named = clusterOf(peer);
    const cluster = named ?? toText(peer);
    if (root === undefined) return Status.BadArgument;
    const answerer = grpcCalls.peer(cluster);
    if (answerer === undefined) return named === undefined ? Status.ParseFailure : Status.InternalFailure;
    const names = { cluster, service: toText(service), method: toText(method) };
    const headers = headersOf(names, metadata, timeoutMs);
    const token = vm.nextToken(type);
    const call = new Call({ ...names, root, token, metadata: headers, timeoutMs: timeoutMs ?? 0 }, grpcCalls);
    if (type === CalloutType.GrpcCall) {
      call.messages.push(toArray(body));
      call.isComplete = true;
    }
    grpcCalls.start(call);
    if (answerer === "no endpoint") {
      call.refuse();
      return Status.InternalFailure;
    }
    return vm.memory.writeWord(out, token) ? Status.Ok : Status.InvalidMemoryAccess;
  }

  const isCall = (token: number) => (token & 3) === CalloutType.GrpcCall;
  const isStream = (token: number) => (token & 3) === CalloutType.GrpcStream;

  return {
    proxy_grpc_call: (...words: number[]) =>
      start(CalloutType.GrpcCall, words.slice(0, 8), words.slice(8, 10), words[10] ?? 0, words[11] ?? 0),
    proxy_grpc_stream: (...words: number[]) =>
      start(CalloutType.GrpcStream, words.slice(0, 8), [], undefined, words[8] ?? 0),
    proxy_grpc_send(token: number, address: number, size: number, endOfStream: number) {
      const message = vm.memory.read(address, size);
      if (message === undefined) return Status.InvalidMemoryAccess;
      if (!isStream(token)) return Status.BadArgument;
      const call = grpcCalls.find(vm.context().root, token);
      if (call === undefined) return Status.NotFound;
      if (!call.isComplete) call.messages.push(toArray(message));
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

/** What reaches the upstream of the filter's metadata, and what Envoy adds. */
function headersOf(
  { cluster, service, method }: Pick<CallInit, "cluster" | "service" | "method">,
  metadata: ByteString,
  timeoutMs: number | undefined,
): HeaderMap {
  const headers = new HeaderMap("request", {
    ":method": "POST",
    ":path": `/${service}/${method}`,
    ":authority": cluster,
    te: "trailers",
    ...(timeoutMs === undefined ? {} : { "grpc-timeout": `${timeoutMs}m` }),
    "content-type": "application/grpc",
  });
  for (const [name, value] of decodePairs(metadata)) headers.add(name, value);
  addEnvoyHeaders(headers, timeoutMs ?? 0);
  return headers;
}

/** The cluster in `GrpcService { envoy_grpc = 1 { cluster_name = 1 } }`; undefined where the bytes are not that: then they are a name. */
function clusterOf(peer: ByteString): string | undefined {
  const name = decodeFields(decodeFields(peer)?.bytes(1) ?? "")?.bytes(1) ?? "";
  return name === "" ? undefined : toText(name);
}
