// The HTTP connection manager of every chain: the same filters everywhere, so that a listener never changes with them.
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { FilterConfigSchema as GrpcStatsSchema } from "../gen/envoy/extensions/filters/http/grpc_stats/v3/config_pb.js";
import { RouterSchema } from "../gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { UpstreamCodecSchema } from "../gen/envoy/extensions/filters/http/upstream_codec/v3/upstream_codec_pb.js";
import {
  HttpConnectionManager_PathWithEscapedSlashesAction as EscapedSlashes,
  HttpConnectionManager_ForwardClientCertDetails as ForwardClientCert,
  HttpConnectionManagerSchema,
  type HttpFilterSchema,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
} from "../gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { type Slot, slotName, slotPhases } from "../model/names.ts";
import { lineLogger } from "./access-log.ts";
import { ads } from "./common.ts";
import { any, type Init } from "./encode.ts";
import type { NetworkFilter } from "./listener.ts";
import { slotTypeUrls } from "./slot-matcher.ts";
import { managerTracing } from "./tracing.ts";

export interface ChainOptions {
  /** Whose requests: of callers for the own application, of the own application for others, of the world outside. */
  readonly side: "inbound" | "outbound" | "gateway";
  /** Begins the names of the chain's statistics: `outbound_127.0.0.1_15007`. */
  readonly statPrefix: string;
  readonly routeName: string;
  /** After that long the caller is asked to connect anew, once its requests are answered; absent: never. */
  readonly maxConnectionMs?: number;
}

export function httpFilterChain({ side, statPrefix, routeName, maxConnectionMs }: ChainOptions): NetworkFilter[] {
  const direction = side === "inbound" ? "inbound" : "outbound";
  const manager = any(HttpConnectionManagerSchema, {
    statPrefix,
    routeSpecifier: { case: "rds", value: { configSource: ads, routeConfigName: routeName } },
    httpFilters: httpFilters(direction),
    accessLog: [...lineLogger],
    ...managerTracing(direction, side === "gateway" ? "gateway" : "sidecar"),
    upgradeConfigs: [{ upgradeType: "websocket" }],
    normalizePath: true,
    pathWithEscapedSlashesAction: EscapedSlashes.KEEP_UNCHANGED,
    // A response may be as slow as its application; routes and the deadline filter say how long is too long.
    streamIdleTimeout: durationFromMs(0),
    ...perSide[side],
    ...(maxConnectionMs === undefined
      ? {}
      : {
          commonHttpProtocolOptions: { maxConnectionDuration: durationFromMs(maxConnectionMs) },
          http1SafeMaxConnectionDuration: true, // else a request may meet a connection that is just being closed
        }),
  });
  return [
    { name: "envoy.filters.network.http_connection_manager", configType: { case: "typedConfig", value: manager } },
  ];
}

type Manager = Init<typeof HttpConnectionManagerSchema>;

/**
 * A sidecar leaves the caller's address headers and the application's `server` as they are. A gateway is the edge: it
 * takes the caller's address from the connection, makes the request id, and forgets what a client says of its certificate.
 */
const perSide: Readonly<Record<ChainOptions["side"], Manager>> = {
  inbound: {
    useRemoteAddress: false,
    serverHeaderTransformation: ServerHeader.PASS_THROUGH,
    forwardClientCertDetails: ForwardClientCert.APPEND_FORWARD,
    setCurrentClientCertDetails: { subject: true, dns: true, uri: true },
  },
  outbound: { useRemoteAddress: false, serverHeaderTransformation: ServerHeader.PASS_THROUGH },
  gateway: {
    useRemoteAddress: true,
    serverName: "istio-envoy",
    forwardClientCertDetails: ForwardClientCert.SANITIZE_SET,
    setCurrentClientCertDetails: { subject: true, cert: true, dns: true, uri: true },
  },
};

type HttpFilter = Init<typeof HttpFilterSchema>;

/** A slot for each phase, what counts gRPC messages, then the router, which runs a slot of its own for each attempt. */
function httpFilters(direction: Slot["direction"]): HttpFilter[] {
  const downstream = slotPhases.filter((phase) => phase !== "upstream");
  const router = any(RouterSchema, {
    upstreamHttpFilters: [
      slotFilter({ direction, phase: "upstream" }),
      {
        name: "envoy.filters.http.upstream_codec",
        configType: { case: "typedConfig", value: any(UpstreamCodecSchema, {}) },
      },
    ],
  });
  return [
    ...downstream.map((phase) => slotFilter({ direction, phase })),
    grpcStats,
    { name: "envoy.filters.http.router", configType: { case: "typedConfig", value: router } },
  ];
}

/** Leaves the numbers of messages in filter state, where the telemetry filter finds them. */
const grpcStats: HttpFilter = {
  name: "envoy.filters.http.grpc_stats",
  configType: {
    case: "typedConfig",
    value: any(GrpcStatsSchema, {
      emitFilterState: true,
      perMethodStatSpecifier: { case: "statsForAllMethods", value: { value: false } },
    }),
  },
};

function slotFilter(slot: Slot): HttpFilter {
  return {
    name: slotName(slot),
    configType: { case: "configDiscovery", value: { configSource: ads, typeUrls: slotTypeUrls } },
  };
}
