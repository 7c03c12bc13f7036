import { targetOf } from "../kube/api.ts";
import { everything } from "./components.ts";
import type { InstallApi } from "./install-api.ts";
import { helmReleaseOf } from "./manifest.ts";

/**
 * The Helm release that an installation is of; `undefined` where Helm has nothing of it. Helm keeps its own record of what it
 * applied: to change or remove that behind its back would leave both with half of it.
 */
export async function helmRelease(version: string, api: InstallApi): Promise<string | undefined> {
  const there = await Promise.all(everything(version).map((object) => api.get(targetOf(object))));
  return there.flatMap((object) => (object && helmReleaseOf(object)) ?? [])[0];
}
