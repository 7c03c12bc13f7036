import type { Kind } from "../model/object.ts";
import { deployment } from "./deployment.ts";
import { destinationRule } from "./destination-rule.ts";
import { endpointSlice } from "./endpoint-slice.ts";
import { gateway } from "./gateway.ts";
import type { KindSchema } from "./kind-schema.ts";
import { peerAuthentication } from "./peer-authentication.ts";
import { pod } from "./pod.ts";
import { service } from "./service.ts";
import { serviceEntry } from "./service-entry.ts";
import { sidecar } from "./sidecar.ts";
import { telemetry } from "./telemetry.ts";
import { virtualService } from "./virtual-service.ts";
import { wasmPlugin } from "./wasm-plugin.ts";
import { workloadEntry } from "./workload-entry.ts";

/** Every kind that has an effect here. */
export const kinds: { readonly [K in Kind]: KindSchema<K> } = {
  Service: service,
  EndpointSlice: endpointSlice,
  Deployment: deployment,
  Pod: pod,
  WorkloadEntry: workloadEntry,
  ServiceEntry: serviceEntry,
  Sidecar: sidecar,
  Gateway: gateway,
  VirtualService: virtualService,
  DestinationRule: destinationRule,
  PeerAuthentication: peerAuthentication,
  Telemetry: telemetry,
  WasmPlugin: wasmPlugin,
};

/** Kinds whose absence a user of Istio would notice, by group. */
export const kindsNotYet: Readonly<Record<string, readonly string[]>> = {
  "networking.istio.io": ["EnvoyFilter", "WorkloadGroup", "ProxyConfig"],
  "extensions.istio.io": ["TrafficExtension"],
  "security.istio.io": ["AuthorizationPolicy", "RequestAuthentication"],
  "install.istio.io": ["IstioOperator"],
  "gateway.networking.k8s.io": [
    "Gateway",
    "GatewayClass",
    "HTTPRoute",
    "GRPCRoute",
    "TCPRoute",
    "TLSRoute",
    "ReferenceGrant",
  ],
};
