// Sluice in a cluster, as `sluice install` puts it there, with the outfitters shop behind it.
import { execFile } from "node:child_process";
import { dirname, join } from "node:path";
import { env, execPath } from "node:process";
import { locateKube } from "../../../setup/kube.mjs";
import { type Cluster, type ClusterOptions, startCluster } from "./cluster.ts";
import { storyImages } from "./images.ts";
import type { Ended } from "./kubectl.ts";

const root = dirname(dirname(dirname(import.meta.dirname)));
/** The gateway's NodePort. */
const gatewayPort = 30000;

export const outfitters = join(root, "examples/outfitters");
export const shopNamespace = "istioinaction";

export interface KubeMesh extends Cluster {
  /** `sluice ARGS` as the cluster's administrator; throws with what it said where it doesn't exit with 0. */
  sluice(...args: readonly string[]): Promise<string>;
  /** The same, whatever its exit code. */
  attemptSluice(...args: readonly string[]): Promise<Ended>;
  /** The gateway on this machine. */
  readonly gateway: { readonly host: string; readonly port: number };
  /** `kubectl` in the shop's namespace. */
  shop(...args: readonly string[]): Promise<string>;
}

export interface KubeMeshOptions extends Pick<ClusterOptions, "endpointLagMs"> {
  /** More for the controller's command line: `["--certificate-ttl", "30s"]`. */
  readonly controllerArgs?: readonly string[];
  /** Default: webapp and catalog in namespace istioinaction, with Gateway and VirtualService. */
  readonly shop?: false;
  /** The kinds are defined by Istio before anything is installed. */
  readonly istioDefinitions?: true;
}

/** Takes about 15 s. */
export async function startKubeMesh(options: KubeMeshOptions = {}): Promise<KubeMesh> {
  const { controllerArgs = [], shop, istioDefinitions, ...rest } = options;
  const cluster = await startCluster({ images: storyImages(), ...rest });
  try {
    const mesh = await meshOf(cluster);
    if (istioDefinitions) await defineAsIstio(cluster);
    await mesh.sluice("install", "-y");
    if (controllerArgs.length > 0) await addControllerArgs(mesh, controllerArgs);
    if (shop !== false) await applyShop(mesh);
    return mesh;
  } catch (error) {
    const pods = await cluster.report();
    await cluster.close();
    throw new Error(`${error instanceof Error ? error.message : error}\n${pods}`, { cause: error });
  }
}

async function defineAsIstio({ kubectl }: Cluster): Promise<void> {
  await kubectl("create", "-f", locateKube()?.istioDefinitions ?? "");
  await kubectl("wait", "--for=condition=Established", "customresourcedefinition", "--all", "--timeout=60s");
}

async function meshOf(cluster: Cluster): Promise<KubeMesh> {
  const { port } = await cluster.forwardNodePort(gatewayPort);
  const attemptSluice = (...args: readonly string[]) => runSluice(cluster.kubeconfig, args);
  return {
    ...cluster,
    attemptSluice,
    async sluice(...args) {
      const { code, stdout, stderr } = await attemptSluice(...args);
      if (code !== 0) throw new Error(`sluice ${args.join(" ")}: exit code ${code}\n${stdout}${stderr}`);
      return stdout;
    },
    gateway: { host: "127.0.0.1", port },
    shop: (...args) => cluster.kubectl("-n", shopNamespace, ...args),
  };
}

/** What every walk through a mesh begins with. */
async function applyShop({ kubectl, shop }: KubeMesh): Promise<void> {
  await kubectl("create", "namespace", shopNamespace);
  await kubectl("label", "namespace", shopNamespace, "istio-injection=enabled");
  await shop(
    "apply",
    "-f",
    join(outfitters, "kubernetes/catalog.yaml"),
    "-f",
    join(outfitters, "kubernetes/webapp.yaml"),
  );
  await shop("apply", "-f", join(outfitters, "mesh/gateway.yaml"));
  await shop("rollout", "status", "deployment", "--timeout=60s");
}

async function addControllerArgs({ kubectl }: KubeMesh, args: readonly string[]): Promise<void> {
  const patch = args.map((value) => ({ op: "add", path: "/spec/template/spec/containers/0/args/-", value }));
  await kubectl("-n", "istio-system", "patch", "deployment", "sluice", "--type=json", "-p", JSON.stringify(patch));
  await kubectl("-n", "istio-system", "rollout", "status", "deployment/sluice", "--timeout=60s");
}

function runSluice(kubeconfig: string, args: readonly string[]): Promise<Ended> {
  const own = { PATH: env["PATH"] ?? "", HOME: env["HOME"] ?? "", KUBECONFIG: kubeconfig };
  return new Promise((resolve) => {
    execFile(execPath, [join(root, "controller/main.ts"), ...args], { env: own }, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error ? 1 : 0;
      resolve({ code, stdout, stderr });
    });
  });
}
