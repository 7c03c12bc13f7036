import { crds } from "../crd/definitions.ts";
import { access } from "./access.ts";
import { deployment, networkPolicy, service } from "./control-plane.ts";
import { gateway } from "./gateway.ts";
import { type Manifest, manifest, namespace, ownLabels } from "./manifest.ts";
import { defaultInstallSettings, type InstallSettings } from "./settings.ts";
import { injector, validator } from "./webhooks.ts";

/** A part of an installation, which becomes ready as a whole. */
export interface Component {
  /** As it is told: `✔ Control plane installed`. */
  readonly name: string;
  /** In the order in which they are applied. */
  readonly objects: readonly Manifest[];
}

/** All parts of an installation; each needs those before it. */
export function components(settings: InstallSettings): readonly Component[] {
  return [
    { name: "Sluice core", objects: [...definitions(), manifest("v1", "Namespace", { name: namespace }), ...access()] },
    { name: "Control plane", objects: [service(), networkPolicy(), injector(), validator(), deployment(settings)] },
    ...(settings.profile === "minimal" ? [] : [{ name: "Ingress gateways", objects: gateway(settings) }]),
  ];
}

/** Every object that any installation can have. */
export function everything(version: string): readonly Manifest[] {
  return components(defaultInstallSettings(version)).flatMap(({ objects }) => objects);
}

function definitions(): readonly Manifest[] {
  return crds().map(({ apiVersion, kind, metadata, spec }) => ({
    apiVersion,
    kind,
    metadata: { ...metadata, labels: ownLabels },
    spec,
  }));
}
