import { durationComplaint, durationMs } from "../crd/duration.ts";
import { type Images, imagesOf as imagesOfVersion } from "../inject/images.ts";
import { hostPortText, parseHostPort } from "../model/host-port.ts";
import { defaultSettings, type MeshSettings } from "../model/mesh.ts";

/** What `--set` can say. */
export interface InstallSettings {
  /** `default`, or `minimal`: without the ingress gateway. */
  readonly profile: string;
  /** Registry and path of the image of controller and init step, which is `<hub>/sluice:<tag>`. */
  readonly hub: string;
  readonly tag: string;
  /** Image of stock Envoy, for sidecars and gateways. */
  readonly proxyImage: string;
  /** Last part of Services' names, as the kubelets have it; default `cluster.local`. */
  readonly clusterDomain: string;
  /** First part of every identity; default `cluster.local`. */
  readonly trustDomain: string;
  /** How long a workload's certificate is valid: `24h`. */
  readonly certificateTtl: string;
  /** Service and port that collect traces, by Zipkin's API: `zipkin.istio-system:9411`. */
  readonly zipkin: string;
  /** Where the gateway is reached on every node; default 30000. */
  readonly gatewayNodePort: number;
}

/** @param version of this program, which is the tag of its image */
export function defaultInstallSettings(version: string): InstallSettings {
  return {
    ...{ profile: "default", hub: "sluice", tag: version, proxyImage: imagesOfVersion(version).envoy },
    ...{ clusterDomain: defaultSettings.domain, trustDomain: defaultSettings.trustDomain },
    ...{ certificateTtl: `${defaultSettings.certificateTtlMs / 3_600_000}h`, gatewayNodePort: 30_000 },
    zipkin: hostPortText(defaultSettings.zipkin),
  };
}

/** Istio's names of some of the settings. */
const istioNames: Readonly<Record<string, keyof InstallSettings>> = {
  "values.global.hub": "hub",
  "values.global.tag": "tag",
  "values.global.proxy.clusterDomain": "clusterDomain",
  "meshConfig.trustDomain": "trustDomain",
  "values.pilot.env.DEFAULT_WORKLOAD_CERT_TTL": "certificateTtl",
  "values.global.tracer.zipkin.address": "zipkin",
};

const profiles: Readonly<Record<string, string>> = {
  default: "control plane and ingress gateway",
  minimal: "control plane alone",
};

const name = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** What is wrong with a value; `undefined` where nothing is. */
const complaints: Partial<Record<keyof InstallSettings, (value: string) => string | undefined>> = {
  profile: (value) =>
    Object.hasOwn(profiles, value)
      ? undefined
      : `"${value}" is no profile; there are ${Object.entries(profiles)
          .map(([key, what]) => `${key} (${what})`)
          .join(" and ")}`,
  clusterDomain: (value) => (name.test(value) ? undefined : `"${value}" is no DNS name, such as cluster.local`),
  trustDomain: (value) => (name.test(value) ? undefined : `"${value}" is no trust domain, such as cluster.local`),
  certificateTtl: (value) => durationComplaint(value) ?? (durationMs(value) < 1000 ? "must be 1s or more" : undefined),
  zipkin: (value) =>
    parseHostPort(value)
      ? undefined
      : `"${value}" is no host and port, such as ${hostPortText(defaultSettings.zipkin)}`,
  gatewayNodePort: (value) =>
    /^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 65535 ? undefined : "a port is 1 to 65535",
};

/**
 * Reads `key=value` texts; the last one of a key counts. Some keys can also be said by Istio's name.
 *
 * @returns the settings, and all that is wrong with the texts, which is left out of them
 */
export function readSettings(
  texts: readonly string[],
  defaults: InstallSettings,
): { readonly settings: InstallSettings; readonly problems: readonly string[] } {
  const keys = Object.keys(defaults);
  const problems: string[] = [];
  const given: Record<string, string | number> = {};
  for (const text of texts) {
    const [said = "", ...rest] = text.split("=");
    const value = rest.join("=");
    const key = keys.find((one) => one === said) ?? istioNames[said];
    const complaint =
      key === undefined
        ? `"${said}" is no setting; there are ${keys.join(", ")}`
        : value === ""
          ? `a value is missing; write ${said}=<value>`
          : complaints[key as keyof InstallSettings]?.(value);
    if (complaint !== undefined) problems.push(`--set ${text}: ${complaint}`);
    else if (key !== undefined) given[key] = key === "gatewayNodePort" ? Number(value) : value;
  }
  return { settings: { ...defaults, ...given }, problems };
}

export function imagesOf({ hub, tag, proxyImage }: InstallSettings): Images {
  return { sluice: `${hub}/sluice:${tag}`, envoy: proxyImage };
}

/** Of the mesh: what the controller is told on its command line. */
export function meshSettingsOf({ clusterDomain: domain, trustDomain, ...rest }: InstallSettings): MeshSettings {
  const zipkin = parseHostPort(rest.zipkin) ?? defaultSettings.zipkin;
  return { ...defaultSettings, domain, trustDomain, certificateTtlMs: durationMs(rest.certificateTtl), zipkin };
}
