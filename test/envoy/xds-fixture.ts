// A small mesh for real Envoys: clusters of HTTP servers, one listener, its route, and a filter in a slot.
import { createHash } from "node:crypto";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Cluster_DiscoveryType, ClusterSchema } from "../../controller/gen/envoy/config/cluster/v3/cluster_pb.js";
import { HeaderValueOption_HeaderAppendAction } from "../../controller/gen/envoy/config/core/v3/base_pb.js";
import { ApiVersion } from "../../controller/gen/envoy/config/core/v3/config_source_pb.js";
import { TypedExtensionConfigSchema } from "../../controller/gen/envoy/config/core/v3/extension_pb.js";
import { ClusterLoadAssignmentSchema } from "../../controller/gen/envoy/config/endpoint/v3/endpoint_pb.js";
import { ListenerSchema } from "../../controller/gen/envoy/config/listener/v3/listener_pb.js";
import { RouteConfigurationSchema } from "../../controller/gen/envoy/config/route/v3/route_pb.js";
import { HeaderMutationSchema } from "../../controller/gen/envoy/extensions/filters/http/header_mutation/v3/header_mutation_pb.js";
import { RouterSchema } from "../../controller/gen/envoy/extensions/filters/http/router/v3/router_pb.js";
import { HttpConnectionManagerSchema } from "../../controller/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { HttpProtocolOptionsSchema } from "../../controller/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js";
import type { Resource, Snapshot, XdsType } from "../../controller/model/resource.ts";
import type { TransportSocket } from "../../controller/translate/tls.ts";
import type { Deny } from "../../controller/xds/delta.ts";

export const slot = "outbound/authn";

const ads = {
  configSourceSpecifier: { case: "ads", value: {} },
  resourceApiVersion: ApiVersion.V3,
  initialFetchTimeout: { seconds: 0n },
} as const;

function resource<S extends DescMessage>(
  { type, name, schema }: { readonly type: XdsType; readonly name: string; readonly schema: S },
  init: MessageInitShape<S>,
): Resource {
  const body = toBinary(schema, create(schema, init));
  return { type, name, version: createHash("sha256").update(body).digest("hex").slice(0, 12), body, owners: [] };
}

interface ClusterOptions {
  /** Changes it without an effect. */
  readonly connectMs?: number;
  /** Envoy refuses it. */
  readonly isBad?: boolean;
  /** Absent: plaintext. */
  readonly transportSocket?: TransportSocket;
  /** Then another connection is made; absent: any number. */
  readonly requestsPerConnection?: number;
}

/** An EDS cluster. */
export function cluster(name: string, options: ClusterOptions = {}): Resource {
  const { connectMs = 1000, isBad = false, transportSocket, requestsPerConnection } = options;
  const http = create(HttpProtocolOptionsSchema, {
    commonHttpProtocolOptions: { maxRequestsPerConnection: requestsPerConnection ?? 0 },
    upstreamProtocolOptions: {
      case: "explicitHttpConfig",
      value: { protocolConfig: { case: "httpProtocolOptions", value: {} } },
    },
  });
  const ring = { minimumRingSize: 10n, maximumRingSize: 5n };
  return resource(
    { type: "CDS", name, schema: ClusterSchema },
    {
      name,
      clusterDiscoveryType: { case: "type", value: Cluster_DiscoveryType.EDS },
      edsClusterConfig: { edsConfig: ads },
      connectTimeout: { seconds: BigInt(Math.floor(connectMs / 1000)), nanos: (connectMs % 1000) * 1_000_000 },
      ...(isBad && { lbPolicy: 2, lbConfig: { case: "ringHashLbConfig", value: ring } }),
      ...(transportSocket && { transportSocket }),
      ...(requestsPerConnection !== undefined && {
        typedExtensionProtocolOptions: {
          [HttpProtocolOptionsSchema.typeName]: anyPack(HttpProtocolOptionsSchema, http),
        },
      }),
    },
  );
}

export function endpoints(clusterName: string, ports: readonly number[]): Resource {
  const lbEndpoints = ports.map((port) => {
    const portSpecifier = { case: "portValue", value: port } as const;
    const address = { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } as const;
    return { hostIdentifier: { case: "endpoint", value: { address: { address } } } } as const;
  });
  return resource(
    { type: "EDS", name: clusterName, schema: ClusterLoadAssignmentSchema },
    { clusterName, endpoints: [{ lbEndpoints }] },
  );
}

/**
 * An HTTP listener whose route is `routeName`, by RDS, with one filter in {@link slot}, by ECDS.
 *
 * @param transportSocket absent: plaintext
 */
export function listener(port: number, routeName: string, transportSocket?: TransportSocket): Resource {
  const discovery = { configSource: ads, typeUrls: [`type.googleapis.com/${HeaderMutationSchema.typeName}`] };
  const hcm = create(HttpConnectionManagerSchema, {
    statPrefix: "test",
    routeSpecifier: { case: "rds", value: { routeConfigName: routeName, configSource: ads } },
    httpFilters: [
      { name: slot, configType: { case: "configDiscovery", value: discovery } },
      { name: "router", configType: { case: "typedConfig", value: anyPack(RouterSchema, create(RouterSchema)) } },
    ],
  });
  const name = `127.0.0.1_${port}`;
  const portSpecifier = { case: "portValue", value: port } as const;
  const typedConfig = anyPack(HttpConnectionManagerSchema, hcm);
  return resource(
    { type: "LDS", name, schema: ListenerSchema },
    {
      name,
      address: { address: { case: "socketAddress", value: { address: "127.0.0.1", portSpecifier } } },
      filterChains: [
        {
          filters: [{ name: "hcm", configType: { case: "typedConfig", value: typedConfig } }],
          ...(transportSocket && { transportSocket }),
        },
      ],
    },
  );
}

/** All requests to one cluster; without one, all are answered with 503. */
export function route(name: string, clusterName?: string): Resource {
  const action =
    clusterName === undefined
      ? ({ case: "directResponse", value: { status: 503 } } as const)
      : ({ case: "route", value: { clusterSpecifier: { case: "cluster", value: clusterName } } } as const);
  const routes = [{ match: { pathSpecifier: { case: "prefix", value: "/" } as const }, action }];
  return resource(
    { type: "RDS", name, schema: RouteConfigurationSchema },
    { name, virtualHosts: [{ name: "all", domains: ["*"], routes }] },
  );
}

/** A filter that sets the response header `x-slot`. */
export function filter(name: string, value: string): Resource {
  const append = {
    header: { key: "x-slot", value },
    appendAction: HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
  };
  const mutation = create(HeaderMutationSchema, {
    mutations: { responseMutations: [{ action: { case: "append", value: append } }] },
  });
  return resource(
    { type: "ECDS", name, schema: TypedExtensionConfigSchema },
    { name, typedConfig: anyPack(HeaderMutationSchema, mutation) },
  );
}

export const deny: Deny = (type, name) =>
  type === "EDS" ? endpoints(name, []) : type === "RDS" ? route(name) : filter(name, "denied");

export function snapshotOf(resources: readonly Resource[]): Snapshot {
  const of = (type: XdsType): ReadonlyMap<string, Resource> =>
    new Map(resources.filter((one) => one.type === type).map((one) => [one.name, one]));
  return { CDS: of("CDS"), EDS: of("EDS"), LDS: of("LDS"), RDS: of("RDS"), ECDS: of("ECDS"), SDS: of("SDS") };
}

/** An Envoy's bootstrap without its admin: everything by delta ADS from a port of 127.0.0.1. */
export function bootstrap(adsPort: number): Readonly<Record<string, unknown>> {
  const source = { ads: {}, initial_fetch_timeout: "0s", resource_api_version: "V3" };
  const googleGrpc = {
    target_uri: `127.0.0.1:${adsPort}`,
    stat_prefix: "xds-grpc",
    channel_args: { args: { "grpc.max_receive_message_length": { int_value: 64 << 20 } } },
  };
  return {
    node: {
      id: "sidecar~10.0.0.7~web-1.shop~shop.svc.cluster.local",
      cluster: "web.shop",
      metadata: { NAME: "web-1", NAMESPACE: "shop", LABELS: { app: "web" }, INTERCEPTION_MODE: "NONE" },
    },
    dynamic_resources: {
      cds_config: source,
      lds_config: source,
      ads_config: {
        api_type: "DELTA_GRPC",
        transport_api_version: "V3",
        set_node_on_first_message_only: true,
        grpc_services: [{ google_grpc: googleGrpc }],
      },
    },
  };
}
