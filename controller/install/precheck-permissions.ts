import { crds } from "../crd/definitions.ts";
import type { ResourceType } from "../kube/api.ts";
import { targetOf, typeOf } from "../kube/api.ts";
import { isKubeError } from "../kube/kube-error.ts";
import { codes } from "../model/codes.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { everything } from "./components.ts";
import type { InstallApi } from "./install-api.ts";
import { nameOf, namespace } from "./manifest.ts";
import { type Finding, firstLine } from "./precheck-finding.ts";

/** May the one who asks make, bring up to date and remove all that an installation has? */
export async function permissions(version: string, api: InstallApi): Promise<Finding[]> {
  const reviews = await Promise.all(needs(version).map((need) => missingVerbs(need, api)));
  const missing = reviews.flat();
  return [...missing, ...(await escalation(version, api))];
}

interface Need extends ResourceType {
  /** Absent: everywhere. */
  readonly namespace?: string;
  readonly verbs: readonly string[];
}

const all = ["get", "list", "create", "patch", "delete"];

function needs(version: string): readonly Need[] {
  const byType = new Map(everything(version).map((object) => [`${object.apiVersion} ${object.kind}`, object]));
  return [
    ...[...byType.values()].map((object) => ({ ...targetOf(object), verbs: all })),
    { ...typeOf("v1", "Pod"), namespace, verbs: ["list"] },
    ...crds().map(({ spec: { group, names, versions } }) => ({
      ...{ group, version: versions[0]?.name ?? "", plural: names.plural },
      verbs: ["list"],
    })),
  ];
}

async function missingVerbs(need: Need, api: InstallApi): Promise<Finding[]> {
  const { group, version, plural, namespace: place, verbs } = need;
  const review = typeOf("authorization.k8s.io/v1", "SelfSubjectAccessReview");
  const missing: string[] = [];
  for (const verb of verbs) {
    const resourceAttributes = { group, version, resource: plural, verb, ...(place && { namespace: place }) };
    const answer = await api.create(review, {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    });
    if (fieldsOf(answer["status"])["allowed"] !== true) missing.push(verb);
  }
  if (missing.length === 0) return [];
  const resource = `${plural}${group === "" ? "" : `.${group}`}${place ? ` in namespace ${place}` : ""}`;
  const message = `Missing required permission to ${missing.join(", ")} ${resource}`;
  return [{ severity: "Error", code: codes.permission, message }];
}

/** Nobody may give what they don't have. The API server looks at that also where nothing is changed. */
async function escalation(version: string, api: InstallApi): Promise<Finding[]> {
  const role = everything(version).find(({ kind }) => kind === "ClusterRole");
  if (role === undefined) return [];
  try {
    await api.apply(targetOf(role), role, { dryRun: true });
    return [];
  } catch (error) {
    if (!isKubeError(error, 403)) throw error;
    const message = `Missing required permission to grant what the control plane may do: have all of it, or escalate and bind roles and clusterroles (${firstLine(error)})`;
    return [{ severity: "Error", code: codes.permission, object: nameOf(role), message }];
  }
}
