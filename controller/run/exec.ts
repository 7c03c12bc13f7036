import { explicitPorts } from "./container.ts";
import { within } from "./namespaces.ts";
import type { RunPod } from "./state.ts";

/**
 * How a command is run where a pod's application runs, so that its calls take the pod's Envoy: in its namespaces, or
 * where it has none with the environment that tells programs of a proxy.
 *
 * @param from the working directory and the environment of whoever asks
 */
export function commandAt(
  { name, namespace, ip, namespaces }: Pick<RunPod, "name" | "namespace" | "ip" | "namespaces">,
  argv: readonly string[],
  from: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> },
): { readonly argv: readonly string[]; readonly env: Readonly<Record<string, string | undefined>> } {
  const env = { ...from.env, POD_NAME: name, POD_NAMESPACE: namespace, INSTANCE_IP: ip };
  return namespaces
    ? { argv: within(namespaces, { argv, cwd: from.cwd }), env }
    : { argv, env: { ...env, ...explicitPorts(ip) } };
}
