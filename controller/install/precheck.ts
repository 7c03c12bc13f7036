import { crds } from "../crd/definitions.ts";
import { type KubeObject, targetOf, typeOf } from "../kube/api.ts";
import { codes } from "../model/codes.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { everything } from "./components.ts";
import { gatewayNodePort } from "./gateway.ts";
import type { InstallApi } from "./install-api.ts";
import { isOurs, type Manifest, manifest, namespace } from "./manifest.ts";

/** One thing to know before an installation. */
export interface Finding {
  readonly severity: "Error" | "Warning" | "Info";
  readonly code: string;
  /** The object that it is about: `Service shop/web`. */
  readonly object?: string;
  readonly message: string;
}

/** CEL with messageExpression and fieldPath, and `sleep` as a lifecycle hook, which the sidecars use. */
const minorMin = 30;

/** Looks at a cluster, and changes nothing. */
export async function precheck(version: string, api: InstallApi): Promise<readonly Finding[]> {
  const findings = await Promise.all([
    kubernetesVersion(api),
    permissions(version, api),
    otherMesh(api),
    nodePort(api),
    otherDefinitions(api),
  ]);
  return findings.flat();
}

async function kubernetesVersion(api: InstallApi): Promise<Finding[]> {
  const { major, minor, gitVersion } = fieldsOf(await api.request("GET", "/version"));
  const number = Number.parseInt(String(minor), 10); // some vendors write 30+
  if (Number(major) > 1 || number >= minorMin) return [];
  const message = `The Kubernetes version ${gitVersion} is lower than the minimum version: 1.${minorMin}`;
  return [{ severity: "Error", code: codes.kubernetesVersion, message }];
}

/** May the one who asks make all that an installation has? */
async function permissions(version: string, api: InstallApi): Promise<Finding[]> {
  const byType = new Map(everything(version).map((object) => [`${object.apiVersion} ${object.kind}`, object]));
  const reviews = await Promise.all([...byType.values()].map((object) => missingVerbs(object, api)));
  return reviews.flat();
}

async function missingVerbs(object: Manifest, api: InstallApi): Promise<Finding[]> {
  const { group, version, plural, namespace: place } = targetOf(object);
  const review = typeOf("authorization.k8s.io/v1", "SelfSubjectAccessReview");
  const missing: string[] = [];
  for (const verb of ["get", "create", "patch"]) {
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
  return [
    {
      severity: "Error",
      code: codes.permission,
      message: `Missing required permission to ${missing.join(", ")} ${resource}`,
    },
  ];
}

/** Two injectors would both take the pods of a namespace. */
async function otherMesh(api: InstallApi): Promise<Finding[]> {
  const webhook = await api.get({
    ...typeOf("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    name: "istio-sidecar-injector",
  });
  const controllers = await api.list(typeOf("apps/v1", "Deployment"), { labelSelector: "app=istiod" });
  const found = [
    ...(webhook ? ["MutatingWebhookConfiguration istio-sidecar-injector"] : []),
    ...controllers.items.map((object) => `Deployment ${placed(object)}`),
  ];
  const message =
    "Istio is installed: pods in namespaces with the label istio-injection=enabled would get two proxies; remove it first";
  return found.map((object) => ({ severity: "Error", code: codes.otherMesh, object, message }));
}

async function nodePort(api: InstallApi): Promise<Finding[]> {
  const services = await api.list(typeOf("v1", "Service"));
  const taken = services.items.filter((service) => !isOurs(service) && nodePortsOf(service).includes(gatewayNodePort));
  const message = `has node port ${gatewayNodePort}, which the ingress gateway needs; --set profile=minimal installs without one`;
  return taken.map((service) => ({
    severity: "Error",
    code: codes.nodePortTaken,
    object: `Service ${placed(service)}`,
    message,
  }));
}

function nodePortsOf({ spec }: KubeObject): readonly unknown[] {
  const { ports } = fieldsOf(spec);
  return Array.isArray(ports) ? ports.map((port) => fieldsOf(port)["nodePort"]) : [];
}

/** They stay as they are; one that serves none of our versions is of no use. */
async function otherDefinitions(api: InstallApi): Promise<Finding[]> {
  const findings = await Promise.all(
    crds().map(async (definition): Promise<Finding[]> => {
      const there = await api.get(targetOf(definition));
      if (there === undefined || isOurs(there)) return [];
      const about = { code: codes.otherDefinition, object: `CustomResourceDefinition ${definition.metadata.name}` };
      const wanted = definition.spec.versions.map(({ name }) => name);
      const served = servedVersions(there);
      if (!wanted.some((name) => served.includes(name))) {
        const message = `serves ${served.join(", ") || "no version"}; one of ${wanted.join(", ")} is needed`;
        return [{ severity: "Error", ...about, message }];
      }
      const refusal = definition.spec.names.kind === "WasmPlugin" ? await builtinRefusal(api) : undefined;
      const message = "is there already and is used as it is";
      return [refusal === undefined ? { severity: "Info", ...about, message } : { ...about, ...refusal }];
    }),
  );
  return findings.flat();
}

/** Istio's definition lets only Istio's own schemes through. */
async function builtinRefusal(api: InstallApi): Promise<Pick<Finding, "severity" | "message"> | undefined> {
  const name = "sluice-precheck";
  const plugin = manifest("extensions.istio.io/v1alpha1", "WasmPlugin", { name, namespace: "default" });
  try {
    await api.apply(targetOf(plugin), { ...plugin, spec: { url: "builtin://deadline" } }, { dryRun: true });
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return {
      severity: "Warning",
      message: `is there already, is used as it is, and refuses builtin filters (${said}); write url: file:///sluice/build/<filter>.wasm, or let Sluice install its own after deleting this one, with which its objects go`,
    };
  }
}

function servedVersions({ spec }: KubeObject): readonly string[] {
  const { versions } = fieldsOf(spec);
  const all = Array.isArray(versions) ? versions.map(fieldsOf) : [];
  return all.flatMap(({ name, served }) => (served === true ? [String(name)] : []));
}

function placed({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? namespace}/${metadata.name}`;
}

/** As istioctl prints it, and whether an installation may be tried. */
export function precheckText(findings: readonly Finding[]): { readonly text: string; readonly safe: boolean } {
  const lines = findings.map(
    ({ severity, code, object, message }) => `${severity} [${code}]${object ? ` (${object})` : ""} ${message}`,
  );
  const safe = findings.every(({ severity }) => severity !== "Error");
  if (safe)
    lines.push(
      "✔ No issues found when checking the cluster. Sluice is safe to install or upgrade!",
      "  To get started: sluice install --set profile=default -y",
    );
  return { text: `${lines.join("\n")}\n`, safe };
}
