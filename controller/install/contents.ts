import type { KubeObject, ResourceType } from "../kube/api.ts";
import { isKubeError } from "../kube/kube-error.ts";
import { fieldsOf, groupOf } from "../model/raw-object.ts";
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
  const lists = await Promise.all((await namespacedTypes(api)).map((type) => listed(type, namespace, api)));
  return lists
    .flat()
    .filter(({ kind, metadata }) => !kubernetesOwnKinds.includes(kind) && !isOwned(metadata))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    .filter((name) => !kubernetesOwn.includes(name));
}

async function listed(type: ResourceType, namespace: string, api: InstallApi): Promise<readonly KubeObject[]> {
  return (await unlessGone(api.list(type, { namespace })))?.items ?? [];
}

/** A kind may have gone since the server named it: its definition was just deleted. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isKubeError(error, 404)) return undefined;
    throw error;
  }
}

function isOwned({ ownerReferences }: KubeObject["metadata"]): boolean {
  return Array.isArray(ownerReferences) && ownerReferences.length > 0;
}

/** Those whose objects can be stored in a namespace: what is computed, such as metrics of pods, can't be deleted. */
async function namespacedTypes(api: InstallApi): Promise<readonly ResourceType[]> {
  const groups = items(await api.request("GET", "/apis"), "groups").map(
    (group) => `/apis/${fieldsOf(group["preferredVersion"])["groupVersion"]}`,
  );
  const types = await Promise.all(["/api/v1", ...groups].map((path) => typesOf(path, api)));
  return types.flat();
}

async function typesOf(path: string, api: InstallApi): Promise<readonly ResourceType[]> {
  const answer = await unlessGone(api.request("GET", path));
  const groupVersion = String(fieldsOf(answer)["groupVersion"]);
  return items(answer, "resources").flatMap(({ name, namespaced, verbs }) => {
    const isStored = Array.isArray(verbs) && ["list", "delete"].every((verb) => verbs.includes(verb));
    return namespaced === true && isStored
      ? [{ group: groupOf(groupVersion), version: groupVersion.split("/").at(-1) ?? "", plural: String(name) }]
      : [];
  });
}

function items(value: unknown, field: string): readonly Readonly<Record<string, unknown>>[] {
  const list = fieldsOf(value)[field];
  return Array.isArray(list) ? list.map(fieldsOf) : [];
}
