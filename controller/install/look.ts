import { targetOf, typeOf } from "../kube/api.ts";
import type { InstallApi } from "./install-api.ts";
import { type Manifest, namespace } from "./manifest.ts";
import { podTroubles, unreadiness } from "./readiness.ts";

/** Why an object does not do its work, with what keeps its pods from it; `undefined`: it does. */
export async function unreadinessOf(object: Manifest, api: InstallApi): Promise<string | undefined> {
  const there = await api.get(targetOf(object));
  if (there === undefined) return "is not there";
  const reason = unreadiness(there);
  if (reason === undefined || object.kind !== "Deployment") return reason;
  const pods = await api.list(typeOf("v1", "Pod"), {
    namespace,
    labelSelector: `app=${object.metadata.labels?.["app"]}`,
  });
  return [reason, ...podTroubles(pods.items)].join("; ");
}
