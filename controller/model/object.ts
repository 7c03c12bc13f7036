import type { DestinationRule } from "./destination-rule.ts";
import type { Gateway } from "./gateway.ts";
import type { PeerAuthentication } from "./peer-authentication.ts";
import type { EndpointSlice, Service, ServiceEntry } from "./service.ts";
import type { Sidecar } from "./sidecar.ts";
import type { Telemetry } from "./telemetry.ts";
import type { VirtualService } from "./virtual-service.ts";
import type { WasmPlugin } from "./wasm-plugin.ts";
import type { Deployment, Pod, WorkloadEntry } from "./workload.ts";

/** What each resource kind says, after parsing: defaults filled in, durations in milliseconds. */
export interface Specs {
  readonly Service: Service;
  readonly EndpointSlice: EndpointSlice;
  readonly Deployment: Deployment;
  readonly Pod: Pod;
  readonly WorkloadEntry: WorkloadEntry;
  readonly ServiceEntry: ServiceEntry;
  readonly Sidecar: Sidecar;
  readonly Gateway: Gateway;
  readonly VirtualService: VirtualService;
  readonly DestinationRule: DestinationRule;
  readonly PeerAuthentication: PeerAuthentication;
  readonly Telemetry: Telemetry;
  readonly WasmPlugin: WasmPlugin;
}

export type Kind = keyof Specs;

/** Names one object. */
export interface Ref {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export type Labels = Readonly<Record<string, string>>;

export interface Meta {
  readonly namespace: string;
  readonly name: string;
  /** Of this very object, not of another that had its name before; absent in files. */
  readonly uid?: string;
  /** Counts changes of what users write; absent in files. */
  readonly generation?: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Milliseconds since the epoch; absent in files. Older objects win ties, then names decide. */
  readonly createdAtMs?: number;
}

/** A parsed, valid object. */
export interface MeshObject<K extends Kind = Kind> {
  readonly kind: K;
  readonly meta: Meta;
  readonly spec: Specs[K];
}

/** Any object, as a union that `kind` tells apart. */
export type AnyObject = { readonly [K in Kind]: MeshObject<K> }[Kind];

export function refOf(object: { readonly kind: Kind; readonly meta: Meta }): Ref {
  return { kind: object.kind, namespace: object.meta.namespace, name: object.meta.name };
}

/** `WasmPlugin shop/cart-budget`; also the key of an object in maps. */
export function refText(ref: Readonly<Record<keyof Ref, string>>): string {
  return `${ref.kind} ${ref.namespace}/${ref.name}`;
}

/** Whether a policy is for some workloads only. An empty selector is none. */
export function isSelective({ selector }: { readonly selector?: Labels }): boolean {
  return selector !== undefined && Object.keys(selector).length > 0;
}

/** Whether labels carry all that a selector asks for. An empty selector matches everything. */
export function matches(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
