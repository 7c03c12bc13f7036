import type { Labels } from "./object.ts";

/** Istio WasmPlugin (extensions.istio.io/v1alpha1). */
export interface WasmPlugin {
  /** Absent: all workloads of the namespace; in the root namespace, of the mesh. */
  readonly selector?: Labels;
  /** `file:///path/x.wasm` or `builtin://<filter>`. */
  readonly url: string;
  /** NETWORK: sees connections that speak no HTTP; HTTP: sees requests. */
  readonly type: "HTTP" | "NETWORK";
  /** Of the module's bytes. */
  readonly sha256?: Sha256;
  readonly phase: Phase;
  /** Higher runs earlier. Unset sorts after every number, as in Istio's code. */
  readonly priority?: number;
  /** Sent to the module as JSON; absent: no configuration. */
  readonly pluginConfig?: Readonly<Record<string, unknown>>;
  /** Envoy's `root_id`; default: none. */
  readonly pluginName: string;
  readonly failStrategy: "FAIL_CLOSE" | "FAIL_OPEN" | "FAIL_RELOAD";
  /** Environment of the VM. */
  readonly env: Readonly<Record<string, { readonly value: string } | "HOST">>;
  /** Any one must match; empty: all traffic. */
  readonly match: readonly TrafficSelector[];
}

/** Where in the chain; in this order, and unspecified next to the router. */
export const phases = ["AUTHN", "AUTHZ", "STATS", "UNSPECIFIED_PHASE"] as const;
export type Phase = (typeof phases)[number];

export interface TrafficSelector {
  /** CLIENT: outbound and gateways; SERVER: inbound. */
  readonly mode: "CLIENT" | "SERVER" | "CLIENT_AND_SERVER";
  /** Service ports outbound, target ports inbound; empty: all. */
  readonly ports: readonly number[];
}

declare const tag: unique symbol;

/** SHA-256 of a module's bytes: 64 lowercase hex digits. The only way to name a module. */
export type Sha256 = string & { readonly [tag]: "Sha256" };

export function parseSha256(text: string): Sha256 | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? (text as Sha256) : undefined;
}

/** A module that passed every check, ready to be sent. */
export interface Module {
  readonly digest: Sha256;
  readonly bytes: Uint8Array;
  /** Which chains its manifest asks for; a module without manifest: what its plugin is for, downstream or network. */
  readonly attach: readonly ("downstream" | "upstream" | "network")[];
  /** Imports and `proxy_on_*` exports: all that Envoy must allow it. */
  readonly capabilities: readonly string[];
}

/**
 * Envoy's `root_id`, by which a module is told where it stands: `upstream` in the router's chain, and `network` where it
 * sees connections and could see requests, too.
 */
export function rootId(attach: Module["attach"], chain: Module["attach"][number], pluginName: string): string {
  if (chain === "upstream") return "upstream";
  return chain === "network" && attach.includes("downstream") ? "network" : pluginName;
}
