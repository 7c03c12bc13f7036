import type { PodNamespace } from "../inject/decide.ts";
import { type Images, type Injection, injectPod } from "../inject/inject-pod.ts";
import type { MeshSettings } from "../model/mesh.ts";
import type { AdmissionRequest, Verdict } from "./admission-review.ts";

export interface InjectorOptions {
  readonly settings: MeshSettings;
  readonly images: Images;
  /** As the source knows it; `undefined`: not known yet. */
  readonly known: (name: string) => PodNamespace | undefined;
  /** As the API server has it at this moment; rejects where it can't be asked. */
  readonly read: (name: string) => Promise<PodNamespace>;
}

/**
 * Gives a pod its proxy. The selectors of the webhooks have chosen the pod already; where what is known of its namespace
 * says otherwise, that is out of date (somebody labelled it a moment ago), and it is read anew.
 */
export async function inject(request: AdmissionRequest, options: InjectorOptions): Promise<Verdict> {
  const { settings, images, known, read } = options;
  const tryIn = (namespace: PodNamespace): Injection => injectPod({ pod: request.object, namespace, settings, images });
  if (request.operation !== "CREATE" || request.subresource !== "") return { allowed: true, warnings: [] };
  const namespace = known(request.namespace);
  const first = namespace && tryIn(namespace);
  if (first !== undefined && first.outcome !== "skipped") return verdictOf(first);
  return verdictOf(tryIn(await read(request.namespace)));
}

function verdictOf(injection: Injection): Verdict {
  switch (injection.outcome) {
    case "injected":
      return { allowed: true, patch: injection.patch, warnings: injection.warnings };
    case "skipped":
      return { allowed: true, warnings: injection.warnings };
    case "refused":
      return { allowed: false, problems: injection.problems, warnings: [] };
  }
}
