// `@sluice/sdk/assembly` for editors.
import type * as grpc from "../grpc";
import type * as http from "../http-call";
import type * as local from "../local-reply";
import type { Status } from "../status";

export * from "../index";

/** Nanoseconds. In a class with `@config`: a text such as `10s`, `250ms` or `1m`; 0 as its default: not set. */
export type Duration = any; // a text where it is declared, a number where it is read

/** An object literal in the place of a class: what it does not say has the field's default. */
type Literal<T> = { [Field in keyof T]?: T[Field] };

export type HttpCall = Literal<http.HttpCall>;
export type GrpcCall = Literal<grpc.GrpcCall>;
export type LocalReply = Literal<local.LocalReply>;

declare module "../http-context" {
  interface HttpContext {
    sendLocalReply(reply: LocalReply): Status;
  }
}

declare module "../context" {
  interface Context {
    httpCall(call: HttpCall, handler: http.HttpCallHandler): Status;
    grpcCall(call: GrpcCall, handler: grpc.GrpcCallHandler): Status;
    grpcStream(call: GrpcCall, handler: grpc.GrpcStreamHandler): grpc.GrpcStream | null;
  }
}
