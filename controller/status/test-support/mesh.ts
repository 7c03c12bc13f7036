import type { Plugin } from "../../model/mesh.ts";
import { slotName } from "../../model/names.ts";
import { type Ref, refOf } from "../../model/object.ts";
import type { Problem } from "../../model/problem.ts";
import type { Proxy } from "../../model/proxy.ts";
import type { Delivered, ProxyState, TypeStatus } from "../../model/proxy-state.ts";
import type { Delivery, Resource, XdsType } from "../../model/resource.ts";
import { parseSha256, type Sha256, type WasmPlugin } from "../../model/wasm-plugin.ts";
import type { StatusInput } from "../mesh-status.ts";

/** A digest that begins with these digits. */
export function sha(digits: string): Sha256 {
  const digest = parseSha256(digits.padEnd(64, "0"));
  if (digest === undefined) throw new Error(`${digits} is not hexadecimal`);
  return digest;
}

/** `digits: undefined`: no module was ever good. */
export function plugin(name: string, digits: string | undefined, spec: Partial<WasmPlugin> = {}): Plugin {
  const object = {
    kind: "WasmPlugin" as const,
    meta: { namespace: "shop", name, labels: {}, annotations: {} },
    spec: {
      url: `file:///${name}.wasm`,
      type: "HTTP" as const,
      phase: "UNSPECIFIED_PHASE" as const,
      pluginName: "",
      failStrategy: "FAIL_RELOAD" as const,
      env: {},
      match: [],
      ...spec,
    },
  };
  if (digits === undefined) return { object };
  const module = { digest: sha(digits), bytes: new Uint8Array(), attach: ["downstream" as const], capabilities: [] };
  return { object, module };
}

export const slot = slotName({ direction: "outbound", phase: "unspecified" });

export function resource(type: XdsType, name: string, version: string, owners: readonly Ref[] = []): Resource {
  return { type, name, version, owners, body: new Uint8Array() };
}

/** The slot at a version, with these plugins in it. */
export function slotOf(version: string, ...plugins: readonly Plugin[]): Resource {
  return resource(
    "ECDS",
    slot,
    version,
    plugins.map(({ object }) => refOf(object)),
  );
}

export const acked = (version: string, ackedAtMs = 0): Delivery => ({ state: "acked", version, ackedAtMs });
export const sent = (version: string, sentAtMs = 0): Delivery => ({ state: "sent", version, nonce: "1", sentAtMs });
export const nacked = (version: string, reason: string, live?: string): Delivery =>
  live === undefined ? { state: "nacked", version, reason } : { state: "nacked", version, reason, live };

/** `[resource, delivery]`; a resource without delivery was never asked for. */
export type Row = readonly [Resource, Delivery?];

export function proxyState(name: string, rows: readonly Row[], connectedAtMs = 0): ProxyState {
  const proxy: Proxy = {
    id: `sidecar~10.0.0.1~${name}.shop~shop.svc.cluster.local`,
    type: "sidecar",
    ip: "10.0.0.1",
    name,
    namespace: "shop",
    labels: {},
    serviceAccount: "default",
    workload: name,
    interception: "NONE",
    version: "1.40.0",
  };
  const of = (type: XdsType): readonly Row[] => rows.filter(([one]) => one.type === type);
  const each = <T>(make: (rows: readonly Row[]) => T): Readonly<Record<XdsType, T>> => ({
    CDS: make(of("CDS")),
    LDS: make(of("LDS")),
    EDS: make(of("EDS")),
    RDS: make(of("RDS")),
    ECDS: make(of("ECDS")),
    SDS: make(of("SDS")),
  });
  const snapshot = each((some) => new Map(some.map(([one]) => [one.name, one])));
  const types = each((some): TypeStatus => ({ state: "SYNCED", delivered: some.flatMap(deliveredOf) }));
  return { proxy, connectedAtMs, snapshot, types };
}

function deliveredOf([{ name, owners }, delivery]: Row): readonly Delivered[] {
  return delivery === undefined ? [] : [{ name, owners, delivery }];
}

export function input(part: Partial<StatusInput>): StatusInput {
  return { plugins: [], problems: [], proxies: [], cluster: "Kubernetes", controller: "sluice", ...part };
}

/** Of `WasmPlugin shop/<name>`, in `mesh/<name>.yaml`. */
export function problem(name: string, line: number, message: string, severity: Problem["severity"] = "error"): Problem {
  return {
    severity,
    code: "SLU0001",
    object: { kind: "WasmPlugin", namespace: "shop", name },
    path: ["spec", "url"],
    place: { file: `mesh/${name}.yaml`, line, column: 3 },
    message,
  };
}
