import type { MeshSettings } from "../model/mesh.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { parseAnnotations, type SidecarSettings } from "./annotations.ts";
import { decide, type PodNamespace, proxyContainer } from "./decide.ts";
import type { Images } from "./images.ts";
import { initContainerOf } from "./init-container.ts";
import { resourcesWithOwn, withOwn } from "./own-proxy.ts";
import { jsonPatch, type PatchOperation } from "./patch.ts";
import { type Json, type PodView, type Texts, textOf, viewOf } from "./pod.ts";
import { addedAnnotations, addedLabels, withAnnotation } from "./pod-metadata.ts";
import { type RewrittenContainer, rewriteInitProbes, rewriteProbes } from "./probes.ts";
import { proxyContainerOf, proxyVolumes } from "./proxy-container.ts";
import { podWarnings } from "./warnings.ts";
import { type Owner, ownerOf } from "./workload.ts";

export type { Images };

export interface InjectionRequest {
  /** A pod as the API server sends it to a webhook, or the `metadata` and `spec` of a pod template. */
  readonly pod: Json;
  readonly namespace: PodNamespace;
  readonly settings: MeshSettings;
  readonly images: Images;
  /** The workload of a pod template; absent: read from the pod. */
  readonly owner?: Owner;
}

export type Injection =
  | {
      readonly outcome: "injected";
      readonly pod: Json;
      /** What makes `pod` of the pod that came. */
      readonly patch: readonly PatchOperation[];
      readonly warnings: readonly string[];
    }
  | { readonly outcome: "skipped"; readonly reason: string; readonly warnings: readonly string[] }
  /** Something is wrong with the pod's annotations or names: without its proxy it must not be created. */
  | { readonly outcome: "refused"; readonly problems: readonly string[] };

/**
 * Gives a pod its proxy, as Istio would: the init step that redirects its traffic, Envoy, what both need, and the
 * application's HTTP probes led through Envoy. All else of the pod stays as it is; a gateway's pod gets Envoy alone. Pure.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml
 */
export function injectPod(request: InjectionRequest): Injection {
  const view = viewOf(request.pod);
  const { reason, warnings } = decide(view, { ...request.namespace, name: request.namespace.name || view.namespace });
  if (reason !== undefined) return { outcome: "skipped", reason, warnings };
  const annotations = parseAnnotations(view.annotations);
  const problems = [...annotations.problems, ...takenNames(view, annotations.settings)];
  if (problems.length > 0) return { outcome: "refused", problems };
  const { pod, warnings: more } = patchedPod(view, annotations.settings, request);
  const all = [...warnings, ...annotations.warnings, ...more];
  const result = all.length === 0 ? pod : withAnnotation(pod, warningsName, all.join("\n"));
  return { outcome: "injected", pod: result, patch: jsonPatch(request.pod, result), warnings: all };
}

/** Where the warnings stand on the pod: who creates it through a Deployment never sees the API server's answer. */
const warningsName = "sluice.dev/injection-warnings";

/** An object of the same name would be taken for ours. */
function takenNames({ volumes, initContainers }: PodView, sidecar: SidecarSettings): readonly string[] {
  const ours = new Set(proxyVolumes.map(({ name }) => name));
  const inits: Texts = {
    "istio-init": "rename it",
    [proxyContainer]: "write what it should have otherwise under containers",
  };
  return [
    ...[...volumes, ...sidecar.volumes]
      .filter(({ name }) => ours.has(name))
      .map(({ name }) => `volume ${name} is the proxy's: rename it`),
    ...initContainers.flatMap(({ name }) => {
      const advice = inits[textOf(name)];
      return advice === undefined ? [] : [`init container ${name} is the proxy's: ${advice}`];
    }),
  ];
}

function patchedPod(
  view: PodView,
  sidecar: SidecarSettings,
  request: InjectionRequest,
): { pod: Json; warnings: string[] } {
  const { settings, images, pod } = request;
  const owner = request.owner ?? ownerOf(view);
  const workload = view.labels["service.istio.io/workload-name"] ?? owner.name;
  const { type, interception } = sidecar;
  const added = addedLabels(view.labels, { type, workload });
  const own = view.containers.find(({ name }) => name === proxyContainer);
  const leadProbes = (rewrite: (container: Json) => RewrittenContainer) => (container: Json) =>
    sidecar.rewriteProbes && container !== own ? rewrite(container) : { container, routes: [], warnings: [] };
  const beside = (container: Json) => rewriteProbes(container, { isAfter: sidecar.native });
  const rewritten = view.containers.map(leadProbes(beside));
  const rewrittenInits = view.initContainers.map(leadProbes(sidecar.native ? beside : rewriteInitProbes));
  const led = [...rewritten, ...rewrittenInits];
  const resources = resourcesWithOwn(sidecar.resources, own ?? {});
  const template = proxyContainerOf({
    labels: { ...view.labels, ...added },
    ...{ type, workload, owner, interception, settings },
    sidecar: { ...sidecar, resources },
    image: sidecar.image ?? images.envoy,
    probes: led.flatMap(({ routes }) => routes),
    ports: [],
    graceSeconds: view.spec["terminationGracePeriodSeconds"],
  });
  const proxy = withOwn(template, own ?? {});
  const init = interception === "NONE" ? [] : [initContainerOf(images.sluice, sidecar)];
  const theirs = { containers: rewritten, initContainers: rewrittenInits };
  const { ours, ...containers } = placed({ init, proxy: proxy.container, own, native: sidecar.native }, theirs);
  const volumes = [...proxyVolumes, ...sidecar.volumes];
  const annotations = { ...fieldsOf(view.metadata["annotations"]), ...addedAnnotations(view, { ...ours, volumes }) };
  const spec = {
    ...view.spec,
    ...containers,
    volumes: [...view.volumes, ...volumes],
  };
  const labels = { ...fieldsOf(view.metadata["labels"]), ...added };
  return {
    pod: { ...pod, metadata: { ...view.metadata, labels, annotations }, spec },
    warnings: [
      ...podWarnings(view, { owner, native: sidecar.native }),
      ...proxy.warnings,
      ...led.flatMap(({ warnings }) => warnings),
    ],
  };
}

type Containers = Readonly<Record<"initContainers" | "containers", readonly Json[]>>;

/** A native sidecar stands before the pod's init containers; another one where the pod's own stands, or last. */
function placed(
  added: {
    readonly init: readonly Json[];
    readonly proxy: Json;
    readonly own: Json | undefined;
    readonly native: boolean;
  },
  theirs: Readonly<Record<keyof Containers, readonly RewrittenContainer[]>>,
): { readonly ours: Containers; readonly containers: readonly Json[]; readonly initContainers?: readonly Json[] } {
  const { init, proxy, own, native } = added;
  const ours = native
    ? { initContainers: [...init, { ...proxy, restartPolicy: "Always" }], containers: [] }
    : { initContainers: init, containers: [proxy] };
  const inits = theirs.initContainers.map(({ container }) => container);
  const initContainers = native ? [...ours.initContainers, ...inits] : [...inits, ...ours.initContainers];
  const containers = theirs.containers.flatMap(({ container }) => (container === own ? ours.containers : [container]));
  return {
    ours,
    ...(initContainers.length > 0 && { initContainers }),
    containers: own === undefined ? [...containers, ...ours.containers] : containers,
  };
}
