// A page of this repository, typed by a reader who has a cluster.
import { copyFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { env } from "node:process";
import { locateKube } from "../../../setup/kube.mjs";
import { freePort } from "../envoy.ts";
import { openTerminal, type Terminal, Walk } from "../readme.ts";
import type { Cluster } from "./cluster.ts";

const root = join(import.meta.dirname, "..", "..", "..");

export interface KubeWalk {
  readonly walk: Walk;
  /** Runs a command in a terminal beside the walk's, with the same kubeconfig. */
  type(command: string): Promise<string>;
  /** The gateway on this machine, where the page says 127.0.0.1:30000. */
  readonly gateway: { readonly host: string; readonly port: number };
  close(): Promise<void>;
}

/** @param page path from the repository's root, which is where its commands are typed */
export async function walkIn(cluster: Cluster, page: string): Promise<KubeWalk> {
  const kubeconfig = join(cluster.dir, "kubeconfig"); // a walk may write its namespace into it
  await copyFile(cluster.kubeconfig, kubeconfig);
  const kubectl = dirname(locateKube()?.kubectl ?? "");
  const own = { KUBECONFIG: kubeconfig, HOME: cluster.dir, SLUICE_RUN_DIR: join(cluster.dir, "none") };
  const path = [kubectl, join(root, "node_modules/.bin"), env["PATH"] ?? ""].join(delimiter);
  const open = (cwd: string): Terminal => openTerminal({ cwd, env: { ...env, ...own, PATH: path } });
  const [mine, beside] = [open(root), open(cluster.dir)];
  const { port } = await cluster.forwardNodePort(30000);
  const pagePort = await freePort();
  const walk = new Walk(join(root, page), {
    terminal: mine,
    started: "",
    printed: () => "",
    actual: {
      "127.0.0.1:30000": `127.0.0.1:${port}`,
      "127.0.0.1:8080": `127.0.0.1:${pagePort}`,
      "8080:8080": `${pagePort}:8080`,
    },
  });
  return {
    walk,
    type: (command) => beside.run(command),
    gateway: { host: "127.0.0.1", port },
    async close() {
      for (const terminal of [mine, beside]) await terminal.close();
    },
  };
}
