// Everything that a filter imports: `import { ... } from "@sluice/sdk/assembly"`.
import * as clock from "./clock";
import * as log from "./log";

export { DataAction, HeadersAction, TrailersAction } from "./actions";
export { Body } from "./body";
export { Config, Duration, HeaderName } from "./config";
export { environment } from "./environment";
export { Expression } from "./expression";
export { FilterState, LifeSpan } from "./filter-state";
export { callForeignFunction, compress, uncompress } from "./foreign";
export { GrpcCall, GrpcCallHandler, GrpcStream, GrpcStreamHandler } from "./grpc";
export { HeaderMap } from "./header-map";
export { HeaderSnapshot } from "./header-snapshot";
export { HttpCall, HttpCallHandler, HttpCallResponse } from "./http-call";
export { HttpContext } from "./http-context";
export { Labelled, labelled } from "./labels";
export { LocalReply } from "./local-reply";
export { LogLevel } from "./log";
export { Counter, Gauge, Histogram, Metric } from "./metrics";
export { Pair } from "./pairs";
export { Plugin } from "./plugin";
export { Properties } from "./properties";
export { Queue, registerQueue, resolveQueue } from "./queue";
export { registerPlugin } from "./registry";
export { getSharedData, SharedValue, setSharedData } from "./shared-data";
export { Status } from "./status";
export { Peer, TcpAction, TcpContext } from "./tcp-context";
export { clock, log };
