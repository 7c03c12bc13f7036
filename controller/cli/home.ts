import type { HttpRequest } from "./deps.ts";
import type { SelectingKind } from "./selecting-kinds.ts";

/** Where a mesh runs, as far as commands need it: the machine on which `sluice up` runs it, or a Kubernetes cluster. */
export interface Home {
  /**
   * Running pods, gateways among them.
   *
   * @param namespace only there; absent: all of the machine's, or those in the namespace of the cluster's context
   */
  readonly pods: (namespace: string | undefined) => Promise<readonly Pod[]>;
  /**
   * Those of {@link Home.pods} that a Deployment, a Service or the like selects.
   *
   * @returns `undefined` where there is no such object
   */
  readonly selected: (
    by: { readonly kind: SelectingKind; readonly name: string },
    namespace: string | undefined,
  ) => Promise<readonly Pod[] | undefined>;
  /** Where a command looks that names no namespace; absent: everywhere. */
  readonly namespace?: string;
  /** What concerns the mesh, of all namespaces, as it stands in the API; nothing of a machine, where it stands in files. */
  readonly objects: () => Promise<readonly unknown[]>;
  /** Where {@link Home.pods} looks, in words: `on this machine`, `in namespace shop`. */
  readonly place: (namespace: string | undefined) => string;
  /** Each controller that runs; none where the mesh has no control plane now. */
  readonly controllers: () => Promise<readonly Controller[]>;
}

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  /** Name of its Deployment, or of what else made it. */
  readonly workload: string;
  readonly ready: boolean;
  /** Without one, `admin` is of no use. */
  readonly hasProxy: boolean;
  /** Tells pods of one name apart: the folder of its mesh, where several run. */
  readonly mesh?: string;
  /**
   * What the admin of its Envoy answers with 200; rejects with what happened instead.
   *
   * @param port of the admin in the pod; absent: the usual one
   */
  readonly admin: (request: HttpRequest, port?: number) => Promise<string>;
}

export interface Controller {
  /** `controller of mesh/`, `sluice-7d9c-x2k9q.istio-system` */
  readonly name: string;
  /** One of its monitoring pages, as text; rejects with what happened instead. */
  readonly page: (path: string) => Promise<string>;
}
