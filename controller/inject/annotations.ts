import { interfaceNameForm, isInterfaceName, isPort, listItems, parseRange } from "../model/network.ts";
import { type Proxy, proxyUid } from "../model/proxy.ts";
import { fieldsOf, isMapping } from "../model/raw-object.ts";
import { quantityOf } from "./limits.ts";
import type { Json, Texts } from "./pod.ts";
import { isLabel, statTagsAnnotation, statTagsOf } from "./stats.ts";
import { unsupportedAnnotations } from "./unsupported-annotations.ts";

/** What a pod's annotations say of its proxy. */
export interface SidecarSettings {
  /** A gateway's pod is a `router`. */
  readonly type: Proxy["type"];
  /** NONE: nothing is redirected; the proxy gets what a Sidecar's ports bring it. */
  readonly interception: "REDIRECT" | "NONE";
  /** The proxy is an init container that stays: it runs before what follows it and after the application has ended. */
  readonly native: boolean;
  /** Arguments of `sluice init`, without the name of the command. */
  readonly initArgs: readonly string[];
  /** Of Envoy; absent: the mesh's. */
  readonly image?: string;
  readonly resources: Json;
  /** More than the proxy's own, for certificates that a DestinationRule names. */
  readonly volumes: readonly Json[];
  readonly volumeMounts: readonly Json[];
  readonly logLevel: string;
  readonly componentLogLevel: string;
  /** Labels of filters' metrics. */
  readonly statTags: readonly string[];
  readonly rewriteProbes: boolean;
  readonly readiness: {
    readonly initialDelaySeconds: number;
    readonly periodSeconds: number;
    readonly failureThreshold: number;
  };
}

export interface ParsedAnnotations {
  readonly settings: SidecarSettings;
  /** Values that can't be used, each a sentence; with one of them the pod must not be created, as in Istio. */
  readonly problems: readonly string[];
  /** Annotations that have no effect here. */
  readonly warnings: readonly string[];
}

const logLevels = ["trace", "debug", "info", "warning", "error", "critical", "off"];
const isQuantity = (text: string): boolean => quantityOf(text) !== undefined;
const isCount = (text: string): boolean => /^\d{1,9}$/.test(text);
const arePorts = (text: string): boolean => listItems(text).every(isPort);
const areRanges = (text: string): boolean => listItems(text).every((item) => parseRange(item) !== undefined);
const areInterfaces = (text: string): boolean => listItems(text).every(isInterfaceName);

type Check = readonly [isValid: (text: string) => boolean, expected: string];
const cpu: Check = [isQuantity, "a quantity as 100m or 2"];
const memory: Check = [isQuantity, "a quantity as 128Mi"];
const ports: Check = [arePorts, "ports with commas between them"];
const portsOrAll: Check = [(text) => text === "*" || arePorts(text), "* or ports with commas between them"];
const interfaces: Check = [areInterfaces, interfaceNameForm];
const bool: Check = [(text) => ["true", "false"].includes(text), "true or false"];
const count: Check = [isCount, "a whole number"];
const labels: Check = [
  (text) => listItems(text).every(isLabel),
  "labels of letters, digits and _, with commas between them",
];
const named = (example: string): Check => [(text) => namedObjects(text) !== undefined, `JSON as ${example}`];

/** @see istio/istio pkg/kube/inject/validate.go */
const checks: Readonly<Record<string, Check>> = {
  "inject.istio.io/templates": [(text) => ["sidecar", "gateway"].includes(text), "sidecar or gateway"],
  "sidecar.istio.io/interceptionMode": [(text) => ["REDIRECT", "NONE"].includes(text), "REDIRECT or NONE"],
  "sidecar.istio.io/proxyCPU": cpu,
  "sidecar.istio.io/proxyCPULimit": cpu,
  "sidecar.istio.io/proxyMemory": memory,
  "sidecar.istio.io/proxyMemoryLimit": memory,
  "sidecar.istio.io/proxyImage": [(text) => /^\S+$/.test(text), "an image"],
  "sidecar.istio.io/logLevel": [(text) => logLevels.includes(text), logLevels.join(", ")],
  "sidecar.istio.io/componentLogLevel": [
    (text) =>
      text.split(",").every((part) => /^[\w.*]+:\w+$/.test(part) && logLevels.includes(part.replace(/.*:/, ""))),
    "component:level with commas between them",
  ],
  [statTagsAnnotation]: labels,
  "sidecar.istio.io/userVolume": named('{"certs": {"secret": {"secretName": "certs"}}}'),
  "sidecar.istio.io/userVolumeMount": named('{"certs": {"mountPath": "/etc/certs", "readOnly": true}}'),
  "sidecar.istio.io/nativeSidecar": bool,
  "sidecar.istio.io/rewriteAppHTTPProbers": bool,
  "readiness.status.sidecar.istio.io/initialDelaySeconds": count,
  "readiness.status.sidecar.istio.io/periodSeconds": count,
  "readiness.status.sidecar.istio.io/failureThreshold": count,
  "traffic.sidecar.istio.io/includeOutboundIPRanges": [(text) => text === "*" || areRanges(text), "* or CIDR ranges"],
  "traffic.sidecar.istio.io/excludeOutboundIPRanges": [areRanges, "CIDR ranges with commas between them"],
  "traffic.sidecar.istio.io/includeInboundPorts": portsOrAll,
  "traffic.sidecar.istio.io/excludeInboundPorts": ports,
  "traffic.sidecar.istio.io/includeOutboundPorts": ports,
  "traffic.sidecar.istio.io/excludeOutboundPorts": ports,
  "traffic.sidecar.istio.io/excludeInterfaces": interfaces,
  "traffic.sidecar.istio.io/kubevirtInterfaces": interfaces,
  "istio.io/reroute-virtual-interfaces": interfaces,
};

/** Reads Istio's annotations; what is not there has Istio's default. */
export function parseAnnotations(annotations: Texts): ParsedAnnotations {
  const problems = Object.entries(checks).flatMap(([name, [isValid, expected]]) => {
    const text = annotations[name];
    return text === undefined || isValid(text) ? [] : [`annotation ${name} is "${text}": expected ${expected}`];
  });
  return { settings: settingsOf(annotations), problems, warnings: unsupportedAnnotations(annotations) };
}

function settingsOf(annotations: Texts): SidecarSettings {
  const readiness = (name: string, otherwise: number): number =>
    Number(annotations[`readiness.status.sidecar.istio.io/${name}`] ?? otherwise);
  const image = annotations["sidecar.istio.io/proxyImage"];
  const isGateway = annotations["inject.istio.io/templates"] === "gateway";
  const isRedirected = !isGateway && annotations["sidecar.istio.io/interceptionMode"] !== "NONE";
  return {
    type: isGateway ? "router" : "sidecar",
    interception: isRedirected ? "REDIRECT" : "NONE",
    native: !isGateway && annotations["sidecar.istio.io/nativeSidecar"] === "true",
    initArgs: initArgs(annotations),
    ...(image !== undefined && { image }),
    resources: resourcesOf(annotations),
    volumes: namedObjects(annotations["sidecar.istio.io/userVolume"] ?? "{}") ?? [],
    volumeMounts: namedObjects(annotations["sidecar.istio.io/userVolumeMount"] ?? "{}") ?? [],
    logLevel: annotations["sidecar.istio.io/logLevel"] ?? "warning",
    componentLogLevel: annotations["sidecar.istio.io/componentLogLevel"] ?? "misc:error",
    statTags: statTagsOf(annotations),
    rewriteProbes: !isGateway && annotations["sidecar.istio.io/rewriteAppHTTPProbers"] !== "false",
    readiness: {
      initialDelaySeconds: readiness("initialDelaySeconds", 0),
      periodSeconds: readiness("periodSeconds", 15),
      failureThreshold: readiness("failureThreshold", 4),
    },
  };
}

/** Istio's flags and their order. */
function initArgs(annotations: Texts): readonly string[] {
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const flag = (letter: string, value: string | undefined): readonly string[] =>
    value === undefined ? [] : [letter, value];
  const excluded = ["15090", "15021", ...listItems(of("excludeInboundPorts") ?? ""), "15020"];
  return [
    ...["-p", "15001", "-z", "15006", "-u", String(proxyUid), "-m", "REDIRECT"],
    ...["-i", of("includeOutboundIPRanges") ?? "*", "-x", of("excludeOutboundIPRanges") ?? ""],
    ...["-b", of("includeInboundPorts") ?? "*", "-d", [...new Set(excluded)].join(",")],
    ...flag("-q", of("includeOutboundPorts")),
    ...flag("-o", of("excludeOutboundPorts")),
    ...flag("-k", annotations["istio.io/reroute-virtual-interfaces"] ?? of("kubevirtInterfaces")),
    ...flag("-c", of("excludeInterfaces")),
  ];
}

/** Where one is said, the defaults of the others are gone, as in Istio. */
function resourcesOf(annotations: Texts): Json {
  const of = (suffix: string): Json => {
    const sizes = { cpu: `sidecar.istio.io/proxyCPU${suffix}`, memory: `sidecar.istio.io/proxyMemory${suffix}` };
    const said = Object.entries(sizes).filter(([, name]) => name in annotations);
    return Object.fromEntries(said.map(([size, name]) => [size, annotations[name]]));
  };
  const resources = Object.entries({ requests: of(""), limits: of("Limit") }).filter(
    ([, sizes]) => Object.keys(sizes).length > 0,
  );
  return resources.length > 0 ? Object.fromEntries(resources) : defaultResources;
}

/** Istio's, for sidecars and gateways. */
export const defaultResources: Json = {
  requests: { cpu: "100m", memory: "128Mi" },
  limits: { cpu: "2", memory: "1Gi" },
};

/** Objects by their names, or in a list with them, as Istio's users write both; `undefined` where the text is neither. */
function namedObjects(text: string): readonly Json[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const items = Array.isArray(value)
      ? value
      : Object.entries(fieldsOf(value)).map(([name, item]) => (isMapping(item) ? { name, ...item } : item));
    const isNamed = (item: unknown): item is Json => isMapping(item) && typeof item["name"] === "string";
    return (Array.isArray(value) || isMapping(value)) && items.every(isNamed) ? items : undefined;
  } catch {
    return undefined;
  }
}
