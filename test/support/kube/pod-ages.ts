import type { Kubectl } from "./kubectl.ts";

/**
 * Since when every pod of these namespaces runs, and each of its containers, and how often that was restarted: a line a pod.
 * The same text twice means that nothing was replaced or restarted in between.
 */
export async function podAges(kubectl: Kubectl, namespaces: readonly string[]): Promise<string> {
  const container = "{.name} {.state.running.startedAt} {.restartCount}";
  const pod = "{.metadata.namespace}/{.metadata.name} {.metadata.uid} {.status.startTime}";
  const format = `{range .items[*]}${pod}{range .status.containerStatuses[*]}; ${container}{end}{"\\n"}{end}`;
  const of = (namespace: string): Promise<string> =>
    kubectl("get", "pods", "-n", namespace, "-o", `jsonpath=${format}`);
  return (await Promise.all(namespaces.map(of))).join("");
}
