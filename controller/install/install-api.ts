import type { KubeObject, ResourceType, Target } from "../kube/api.ts";

/** The API server, as far as an installation needs it. Every call rejects with an error that says what it answered. */
export interface InstallApi {
  /** `undefined` where there is none. */
  get(target: Target): Promise<KubeObject | undefined>;
  list(
    type: ResourceType,
    selection?: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string },
  ): Promise<{ readonly items: readonly KubeObject[] }>;
  create(place: ResourceType & { readonly namespace?: string }, object: object): Promise<KubeObject>;
  /** Server-side apply. */
  apply(target: Target, object: object, options?: { readonly dryRun?: boolean }): Promise<KubeObject>;
  /** False where there was none. */
  delete(target: Target, options?: { readonly propagationPolicy?: "Foreground" }): Promise<boolean>;
  /** The answer, parsed. */
  request(method: "GET", path: string): Promise<unknown>;
}
