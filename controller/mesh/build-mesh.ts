import type { Mesh, MeshSettings, Plugin } from "../model/mesh.ts";
import type { AnyObject, Meta } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import type { Module } from "../model/wasm-plugin.ts";
import { checkAuthentication } from "./check-authentication.ts";
import { checkDestinationRules } from "./check-destination-rules.ts";
import { checkHosts } from "./check-hosts.ts";
import { checkRoutes } from "./check-routes.ts";
import { checkSelectors } from "./check-selectors.ts";
import { checkTelemetry } from "./check-telemetry.ts";
import { keptList, keptMap } from "./kept.ts";
import { servicesOf } from "./services.ts";

export interface MeshInput {
  /** All that is in force, in any order. */
  readonly objects: readonly AnyObject[];
  /** The WasmPlugins with the modules that they run, in any order. */
  readonly plugins: readonly Plugin[];
  /** The built-in telemetry filter; absent: switched off. */
  readonly telemetry?: Module;
  readonly settings: MeshSettings;
  readonly generation: number;
  /** The mesh of the generation before: parts that are equal to its are its. */
  readonly before?: Mesh;
}

export interface BuiltMesh {
  readonly mesh: Mesh;
  /** What does not fit together: broken references, things without effect. With object and path, without place. */
  readonly problems: readonly Problem[];
}

/** Puts the objects together. A broken reference is a problem and stays in the mesh: it is answered as Istio does. */
export function buildMesh({ plugins, telemetry, settings, generation, before, ...input }: MeshInput): BuiltMesh {
  const objects = input.objects.toSorted(byPrecedence);
  const peerAuthentications = keptList(
    before?.peerAuthentications,
    objects.filter((object) => object.kind === "PeerAuthentication"),
  );
  const { services, endpoints, problems } = servicesOf(objects, { settings, peerAuthentications });
  const mesh: Mesh = {
    generation,
    settings,
    services: keptMap(before?.services, services),
    endpoints: keptMap(before?.endpoints, endpoints),
    virtualServices: keptList(
      before?.virtualServices,
      objects.filter((object) => object.kind === "VirtualService"),
    ),
    destinationRules: keptList(
      before?.destinationRules,
      objects.filter((object) => object.kind === "DestinationRule"),
    ),
    gateways: keptList(
      before?.gateways,
      objects.filter((object) => object.kind === "Gateway"),
    ),
    sidecars: keptList(
      before?.sidecars,
      objects.filter((object) => object.kind === "Sidecar"),
    ),
    peerAuthentications,
    telemetries: keptList(
      before?.telemetries,
      objects.filter((object) => object.kind === "Telemetry"),
    ),
    plugins: keptList(
      before?.plugins,
      plugins.toSorted((a, b) => byPrecedence(a.object, b.object)),
    ),
    ...(telemetry && { telemetry }),
  };
  const found = [
    ...problems,
    ...checkHosts(mesh),
    ...checkRoutes(mesh),
    ...checkDestinationRules(mesh, objects),
    ...checkAuthentication(mesh),
    ...checkTelemetry(mesh),
    ...checkSelectors(mesh, objects),
  ];
  return { mesh, problems: found };
}

/** Older objects first; in files, where none is older, by name, then namespace: Istio's order. */
function byPrecedence(a: { readonly meta: Meta }, b: { readonly meta: Meta }): number {
  return (
    (a.meta.createdAtMs ?? 0) - (b.meta.createdAtMs ?? 0) ||
    compare(a.meta.name, b.meta.name) ||
    compare(a.meta.namespace, b.meta.namespace)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
