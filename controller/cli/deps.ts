/** A mesh that `sluice up` runs on this machine: what the commands need of its state. */
export interface RunningMesh {
  /** The folder that it was started with. */
  readonly dir: string;
  /** Of the controller, on 127.0.0.1. */
  readonly monitoringPort: number;
  readonly pods: readonly RunningPod[];
}

export interface RunningPod {
  readonly name: string;
  readonly namespace: string;
  /** Name of the Deployment. */
  readonly workload: string;
  readonly ip: string;
  /** Unix socket of Envoy's admin. */
  readonly adminSocket: string;
}

/** Where an HTTP server listens. */
export type HttpTarget = { readonly socket: string } | { readonly host: string; readonly port: number };

/** All that the commands need of the outside world. */
export interface CliDeps {
  /** Those whose runner is alive. */
  readonly meshes: () => readonly RunningMesh[];
  /** The text of a file, of standard input for `-`; rejects with the system's error. */
  readonly readText: (path: string) => Promise<string>;
  /** The body of a 200; rejects with what happened instead. */
  readonly get: (target: HttpTarget, path: string) => Promise<string>;
  readonly nowMs: () => number;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
}
