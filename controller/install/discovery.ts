import type { ResourceType } from "../kube/api.ts";
import { isKubeError } from "../kube/kube-error.ts";
import { fieldsOf, groupOf } from "../model/raw-object.ts";
import type { InstallApi } from "./install-api.ts";

/** What the API server calls a kind of objects that are in namespaces. */
export interface NamespacedType extends ResourceType {
  readonly kind: string;
}

/**
 * Every kind whose objects are stored in a namespace, each in the version that the server prefers. What is computed, such
 * as metrics of pods, can't be deleted and is left out.
 */
export async function namespacedTypes(api: InstallApi): Promise<readonly NamespacedType[]> {
  const groups = items(await api.request("GET", "/apis"), "groups").map(
    (group) => `/apis/${fieldsOf(group["preferredVersion"])["groupVersion"]}`,
  );
  const types = await Promise.all(["/api/v1", ...groups].map((path) => typesOf(path, api)));
  return types.flat();
}

async function typesOf(path: string, api: InstallApi): Promise<readonly NamespacedType[]> {
  const answer = await unlessGone(api.request("GET", path));
  const groupVersion = String(fieldsOf(answer)["groupVersion"]);
  const [group, version] = [groupOf(groupVersion), groupVersion.split("/").at(-1) ?? ""];
  return items(answer, "resources").flatMap(({ name, kind, namespaced, verbs }) => {
    const isStored = Array.isArray(verbs) && ["list", "delete"].every((verb) => verbs.includes(verb));
    return namespaced === true && isStored ? [{ group, version, plural: String(name), kind: String(kind) }] : [];
  });
}

/** A kind may have gone since the server named it: its definition was just deleted. */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isKubeError(error, 404)) return undefined;
    throw error;
  }
}

function items(value: unknown, field: string): readonly Readonly<Record<string, unknown>>[] {
  const list = fieldsOf(value)[field];
  return Array.isArray(list) ? list.map(fieldsOf) : [];
}
