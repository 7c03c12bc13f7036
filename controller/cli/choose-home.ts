import { CliError } from "./cli-error.ts";
import type { CliDeps, KubeOptions } from "./deps.ts";
import { embeddedHome } from "./embedded-home.ts";
import type { Home } from "./home.ts";
import { kubeHome } from "./kube-home.ts";

/** What {@link addHomeOptions} adds. */
export interface HomeOptions extends KubeOptions {
  readonly namespace?: string;
  readonly istioNamespace: string;
}

/**
 * Where to look: the cluster that `--kubeconfig` or `--context` names, else the meshes that run on this machine, else the
 * cluster of the usual kubeconfig. Where the second hides the third, that is said.
 *
 * @throws {CliError} where there is neither, or the kubeconfig is no good
 */
export async function chooseHome(options: HomeOptions, deps: CliDeps): Promise<Home> {
  const isNamed = options.kubeconfig !== undefined || options.context !== undefined;
  const meshes = isNamed ? [] : deps.meshes();
  const found = isNamed ? undefined : deps.kubeconfig();
  if (meshes.length > 0) {
    const dirs = meshes.map(({ dir }) => dir).join(", ");
    if (found) deps.note(`this is the mesh of ${dirs} on this machine; for the cluster of ${found} add --context NAME`);
    return embeddedHome(meshes, deps.http);
  }
  if (!isNamed && found === undefined)
    throw new CliError(
      "no mesh: `sluice up DIR` runs none on this machine, and there is no kubeconfig ($KUBECONFIG, ~/.kube/config, --kubeconfig) for one in Kubernetes",
    );
  const api = await deps.kubeApi(options).catch((error: Error) => {
    throw new CliError(error.message);
  });
  return kubeHome(api, options.istioNamespace, deps.http);
}
