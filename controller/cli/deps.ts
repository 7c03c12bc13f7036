import type { Duplex } from "node:stream";
import type { Labels } from "../model/object.ts";

/** A mesh that `sluice up` runs on this machine: what the commands need of its state. */
export interface RunningMesh {
  /** The folder that it was started with. */
  readonly dir: string;
  /** Of the controller, on 127.0.0.1. */
  readonly monitoringPort: number;
  readonly pods: readonly RunningPod[];
  readonly services: readonly RunningService[];
}

export interface RunningService {
  readonly name: string;
  readonly namespace: string;
  /** Empty: it selects no pods. */
  readonly selector: Labels;
}

export interface RunningPod {
  readonly name: string;
  readonly namespace: string;
  /** Name of the Deployment. */
  readonly workload: string;
  readonly labels: Labels;
  readonly ip: string;
  /** Unix socket of Envoy's admin. */
  readonly adminSocket: string;
  readonly ready: boolean;
}

/** Where an HTTP server listens, or a way to it with the name that errors give it. */
export type HttpTarget =
  | { readonly socket: string }
  | { readonly host: string; readonly port: number }
  | { readonly place: string; readonly connect: () => Promise<Duplex> };

export interface HttpRequest {
  /** Default GET; a POST has no body. */
  readonly method?: "GET" | "POST";
  readonly path: string;
}

/** Which cluster, and as whom: what `--kubeconfig` and `--context` say. */
export interface KubeOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** A Kubernetes API server, as far as the commands need it. */
export interface KubeApi {
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
  /** Running pods as they stand in the API; rejects with the API server's own words. */
  readonly runningPods: (where: {
    readonly namespace: string;
    readonly labelSelector?: string;
  }) => Promise<readonly unknown[]>;
  /** An object as it stands in the API; `undefined` where there is none. Rejects with the API server's own words. */
  readonly get: (target: {
    readonly group: string;
    readonly version: string;
    readonly plural: string;
    readonly namespace: string;
    readonly name: string;
  }) => Promise<unknown>;
  /** All that concerns the mesh, of all namespaces, as it stands in the API; rejects with the API server's own words. */
  readonly meshObjects: () => Promise<readonly unknown[]>;
  /** A connection to a port of a pod's loopback. Where the port refuses it, that comes as an error of the stream. */
  readonly connect: (pod: { readonly name: string; readonly namespace: string }, port: number) => Promise<Duplex>;
}

/** All that the commands need of the outside world. */
export interface CliDeps {
  /** Version of this program. */
  readonly version: string;
  /** Those whose runner is alive. */
  readonly meshes: () => readonly RunningMesh[];
  /** Where a kubeconfig is found without being named, in words; `undefined` where there is none. */
  readonly kubeconfig: () => string | undefined;
  /** Rejects with what is wrong with the kubeconfig. */
  readonly kubeApi: (options: KubeOptions) => Promise<KubeApi>;
  /** The text of a file, of standard input for `-`; rejects with the system's error. */
  readonly readText: (path: string) => Promise<string>;
  /** The body of a 200; rejects with what happened instead. */
  readonly http: (target: HttpTarget, request: HttpRequest) => Promise<string>;
  readonly nowMs: () => number;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
  /** A line beside the output: to standard error. */
  readonly note: (line: string) => void;
}
