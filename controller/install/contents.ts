import type { KubeObject } from "../kube/api.ts";
import { namespacedTypes, unlessGone } from "./discovery.ts";
import type { InstallApi } from "./install-api.ts";

/** What Kubernetes itself makes in every namespace, or beside a Service, and takes away again. */
const kubernetesOwn = ["ConfigMap kube-root-ca.crt", "ServiceAccount default"];
const kubernetesOwnKinds = ["Event", "Endpoints", "EndpointSlice"];

/**
 * What would go with a namespace: every object of every kind that the API server has, but those that come and go with the
 * namespace or with another object of it.
 *
 * @returns `["Secret cacerts", "PeerAuthentication default"]`
 * @throws where not all of it can be listed
 */
export async function contents(namespace: string, api: InstallApi): Promise<readonly string[]> {
  const types = await namespacedTypes(api);
  const lists = await Promise.all(
    types.map(async (type) => (await unlessGone(api.list(type, { namespace })))?.items ?? []),
  );
  return lists
    .flat()
    .filter(({ kind, metadata }) => !kubernetesOwnKinds.includes(kind) && !isOwned(metadata))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .filter((name) => !kubernetesOwn.includes(name));
}

function isOwned({ ownerReferences }: KubeObject["metadata"]): boolean {
  return Array.isArray(ownerReferences) && ownerReferences.length > 0;
}
