import { crds } from "../crd/definitions.ts";
import { gatewayName } from "../inject/gateway-template.ts";
import { type KubeObject, targetOf, typeOf } from "../kube/api.ts";
import { isKubeError } from "../kube/kube-error.ts";
import { codes } from "../model/codes.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { everything } from "./components.ts";
import { helmRelease } from "./helm.ts";
import type { InstallApi } from "./install-api.ts";
import { isOurs, manifest, nameOf, namespace } from "./manifest.ts";
import { type Finding, firstLine } from "./precheck-finding.ts";
import { usersObjects } from "./precheck-objects.ts";
import { permissions } from "./precheck-permissions.ts";
import { defaultInstallSettings, type InstallSettings } from "./settings.ts";

/** CEL with messageExpression and fieldPath, and `sleep` as a lifecycle hook, which the sidecars use. */
const minorMin = 30;

/** Looks at a cluster, and changes nothing. What it may not look at is a finding, too. */
export async function precheck(version: string, api: InstallApi): Promise<readonly Finding[]> {
  const looks = [
    kubernetesVersion(api),
    permissions(version, api),
    otherMesh(api),
    inTheWay(version, api),
    helm(version, api),
    nodePort(defaultInstallSettings(version), api),
    otherDefinitions(api),
    usersObjects(api),
  ];
  const findings = (await Promise.all(looks.map((look) => look.catch(notAllowed)))).flat();
  return [...new Map(findings.map((finding) => [JSON.stringify(finding), finding])).values()];
}

function notAllowed(error: unknown): Finding[] {
  if (!isKubeError(error, 403)) throw error;
  const message = `Not everything could be checked: ${firstLine(error)}`;
  return [{ severity: "Error", code: codes.permission, message }];
}

async function kubernetesVersion(api: InstallApi): Promise<Finding[]> {
  const { major, minor, gitVersion } = fieldsOf(await api.request("GET", "/version"));
  const number = Number.parseInt(String(minor), 10); // some vendors write 30+
  if (Number(major) > 1 || number >= minorMin) return [];
  const message = `The Kubernetes version ${gitVersion} is lower than the minimum version: 1.${minorMin}`;
  return [{ severity: "Error", code: codes.kubernetesVersion, message }];
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

/** What others have under the names of an installation, which would be overwritten. */
async function inTheWay(version: string, api: InstallApi): Promise<Finding[]> {
  const findings = everything(version).map(async (object): Promise<Finding[]> => {
    if (["CustomResourceDefinition", "Namespace"].includes(object.kind)) return []; // used as they are
    const there = await api.get(targetOf(object));
    if (there === undefined || isOurs(there)) return [];
    const without = object.metadata.name.startsWith(gatewayName) ? "; --set profile=minimal installs without it" : "";
    const message = `is there already, and Sluice did not install it: remove it first${without}`;
    return [{ severity: "Error", code: codes.otherObject, object: nameOf(object), message }];
  });
  return (await Promise.all(findings)).flat();
}

async function helm(version: string, api: InstallApi): Promise<Finding[]> {
  const release = await helmRelease(version, api);
  if (release === undefined) return [];
  const message = `Sluice is installed as Helm release ${release}: bring it up to date by helm upgrade`;
  return [{ severity: "Error", code: codes.otherObject, message }];
}

async function nodePort({ gatewayNodePort }: InstallSettings, api: InstallApi): Promise<Finding[]> {
  const services = await api.list(typeOf("v1", "Service"));
  const taken = services.items.filter((service) => !isOurs(service) && nodePortsOf(service).includes(gatewayNodePort));
  const message = `has node port ${gatewayNodePort}, which the ingress gateway needs; --set gatewayNodePort=<port> gives it another, --set profile=minimal installs without one`;
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
    if (isKubeError(error, 403)) throw error;
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
