// Envoy's filter grpc_stats, between the plugins and the router: it counts gRPC messages and leaves the numbers in filter state.
// @see Envoy source/extensions/filters/http/grpc_stats/grpc_stats_filter.cc, source/common/grpc/codec.cc
import type { ByteString } from "./bytes.ts";
import type { EnvoyObject } from "./filter-state.ts";
import type { HeaderMap } from "./header-map.ts";
import { isGrpcRequest } from "./local-reply.ts";
import type { Sink } from "./passage.ts";

export class GrpcStats {
  readonly #objects: Map<ByteString, EnvoyObject>;
  readonly #requests = new Messages();
  readonly #responses = new Messages();

  /** @param objects of the request's filter state */
  constructor(objects: Map<ByteString, EnvoyObject>) {
    this.#objects = objects;
  }

  /** What the request comes to first, and then to `next`. */
  request(next: Sink): Sink {
    return this.#counting(this.#requests, next, (headers) => isGrpcRequest(headers));
  }

  response(next: Sink): Sink {
    return this.#counting(this.#responses, next, (headers, endStream) => !endStream && isGrpcResponse(headers));
  }

  #counting(messages: Messages, next: Sink, isGrpc: (headers: HeaderMap, endStream: boolean) => boolean): Sink {
    let isCounted = false;
    return {
      onHeaders: (headers, endStream) => {
        isCounted = isGrpc(headers, endStream);
        next.onHeaders(headers, endStream);
      },
      onBody: (bytes, endStream) => {
        if (isCounted && messages.take(bytes)) this.#write();
        next.onBody(bytes, endStream);
      },
      onTrailers: (trailers) => next.onTrailers(trailers),
    };
  }

  #write(): void {
    const value = `${this.#requests.count},${this.#responses.count}`;
    this.#objects.set("envoy.filters.http.grpc_stats", { value, lifeSpan: 0 });
  }
}

function isGrpcResponse(headers: HeaderMap): boolean {
  return headers.first(":status") === "200" && isGrpcRequest(headers);
}

/** Bytes before a message: flags, and its size in four. */
const headSize = 5;

/** The messages of one direction; each counts from its first byte on. */
class Messages {
  count = 0;
  #headBytes = 0;
  /** Of the message; once its head is whole, what is left of it. */
  #size = 0;

  /** @returns whether one has begun */
  take(bytes: ByteString): boolean {
    const before = this.count;
    for (let at = 0; at < bytes.length; ) {
      if (this.#headBytes === headSize) {
        const taken = Math.min(this.#size, bytes.length - at);
        this.#size -= taken;
        at += taken;
      } else {
        if (this.#headBytes === 0) this.count += 1;
        else this.#size = this.#size * 256 + bytes.charCodeAt(at);
        this.#headBytes += 1;
        at += 1;
      }
      if (this.#headBytes === headSize && this.#size === 0) this.#headBytes = 0;
    }
    return this.count > before;
  }
}
