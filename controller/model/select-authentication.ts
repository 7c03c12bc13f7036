// Which mutual TLS a workload's proxy takes. Pure; see select.ts. The rules are Istio's (istio/istio
// pilot/pkg/model/authentication.go, pilot/pkg/security/authn/policy_applier.go).

import type { Mesh } from "./mesh.ts";
import { isSelective, type Labels, matches } from "./object.ts";
import type { MutualTlsMode } from "./peer-authentication.ts";

/** A pod's label by which its proxy says that it takes mutual TLS; Istio's, set at injection. */
const tlsModeLabel = "security.istio.io/tlsMode";

/** Whether a workload has a proxy that can take mutual TLS at all. */
export function takesMutualTls(labels: Labels): boolean {
  return labels[tlsModeLabel] === "istio";
}

export interface MutualTlsModes {
  /** Of every port without a mode of its own. */
  readonly mode: MutualTlsMode;
  /** By the workload's port. */
  readonly byPort: ReadonlyMap<number, MutualTlsMode>;
}

/**
 * The modes of a workload: those of the oldest PeerAuthentication that selects it, what is not set there from the oldest of
 * its namespace, then of the mesh, in the end PERMISSIVE. One that selects workloads may stand in the root namespace too.
 */
export function mutualTlsModes(
  { peerAuthentications, settings }: Pick<Mesh, "peerAuthentications" | "settings">,
  workload: { readonly namespace: string; readonly labels: Labels },
): MutualTlsModes {
  const near = peerAuthentications.filter(
    ({ meta }) => meta.namespace === workload.namespace || meta.namespace === settings.rootNamespace,
  );
  const own = near.find(({ spec }) => isSelective(spec) && matches(spec.selector ?? {}, workload.labels));
  const wide = near.filter(({ spec }) => !isSelective(spec));
  const ofNamespace = wide.find(({ meta }) => meta.namespace === workload.namespace);
  const ofMesh = wide.find(({ meta }) => meta.namespace === settings.rootNamespace);
  const modes = [own, ofNamespace, ofMesh].map((object) => object?.spec.mode ?? "UNSET");
  const mode = modes.find((one) => one !== "UNSET") ?? "PERMISSIVE";
  const ports = [...(own?.spec.portLevelMtls ?? [])];
  return { mode, byPort: new Map(ports.map(([port, set]) => [port, set === "UNSET" ? mode : set])) };
}

/** The mode of one of the workload's own ports. */
export function modeOf({ mode, byPort }: MutualTlsModes, port: number): MutualTlsMode {
  return byPort.get(port) ?? mode;
}
