import { kinds, kindsNotYet } from "../crd/kinds.ts";
import { parseObject } from "../crd/parse-object.ts";
import type { KubeObject } from "../kube/api.ts";
import { codes } from "../model/codes.ts";
import { pathText } from "../model/problem.ts";
import { type NamespacedType, namespacedTypes, unlessGone } from "./discovery.ts";
import type { InstallApi } from "./install-api.ts";
import type { Finding } from "./precheck-finding.ts";

/** What it means that a kind has no effect here. */
const meaning: Readonly<Record<string, string>> = {
  AuthorizationPolicy: "no request is denied by them, so what they protect is open",
  RequestAuthentication: "no request's token is looked at",
  EnvoyFilter: "no proxy's configuration is changed by them",
};

/** How many problems of objects are told. */
const problemsMax = 10;

/** Objects that users wrote for Istio: those that would do nothing here, and what is wrong with the others. */
export async function usersObjects(api: InstallApi): Promise<Finding[]> {
  const types = (await namespacedTypes(api)).filter(({ group }) => group.endsWith(".istio.io"));
  const lists = await Promise.all(
    types.map(async (type) => ({ type, items: (await unlessGone(api.list(type)))?.items ?? [] })),
  );
  const ineffective = lists.flatMap(({ type, items }) => withoutEffect(type, items.length));
  const problems = lists.flatMap(({ type, items }) => (isOurKind(type) ? items.flatMap(problemsOf) : []));
  const more = problems.length - problemsMax;
  const message = `${more} more problems of existing objects; sluice install and then kubectl describe shows those of an object`;
  return [
    ...ineffective,
    ...problems.slice(0, problemsMax),
    ...(more > 0 ? [{ severity: "Warning", code: codes.noEffect, message } as const] : []),
  ];
}

function isOurKind({ group, kind }: NamespacedType): boolean {
  return Object.values(kinds).some((one) => one.group === group && one.kind === kind);
}

function withoutEffect({ group, kind }: NamespacedType, count: number): Finding[] {
  if (count === 0 || kindsNotYet[group]?.includes(kind) !== true) return [];
  const objects = count === 1 ? "object has" : "objects have";
  const message = `${count} ${objects} no effect here: ${meaning[kind] ?? "Sluice does not know the kind"}`;
  return [{ severity: "Warning", code: codes.noEffect, object: kind, message }];
}

function problemsOf(value: KubeObject): Finding[] {
  const object = `${value.kind} ${value.metadata.namespace}/${value.metadata.name}`;
  return parseObject({ value })
    .problems.filter(({ severity }) => severity !== "info")
    .map(({ code, path = [], message }) => ({
      ...{ severity: "Warning", code, object },
      message: `${pathText(path)} ${message}`.trimStart(),
    }));
}
