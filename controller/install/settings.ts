import { type Images, imagesOf as imagesOfVersion } from "../inject/images.ts";

/** What `--set` can say. */
export interface InstallSettings {
  /** `default`, or `minimal`: without the ingress gateway. */
  readonly profile: string;
  /** Registry and path of the image of controller and init step, which is `<hub>/sluice:<tag>`. */
  readonly hub: string;
  readonly tag: string;
  /** Image of stock Envoy, for sidecars and gateways. */
  readonly proxyImage: string;
}

/** @param version of this program, which is the tag of its image */
export function defaultInstallSettings(version: string): InstallSettings {
  return { profile: "default", hub: "sluice", tag: version, proxyImage: imagesOfVersion(version).envoy };
}

export const profiles: readonly string[] = ["default", "minimal"];

/**
 * Reads `key=value` texts; the last one of a key counts.
 *
 * @returns the settings, and all that is wrong with the texts, which is left out of them
 */
export function readSettings(
  texts: readonly string[],
  defaults: InstallSettings,
): { readonly settings: InstallSettings; readonly problems: readonly string[] } {
  const keys = Object.keys(defaults);
  const problems: string[] = [];
  const given: Record<string, string> = {};
  for (const text of texts) {
    const [key = "", ...rest] = text.split("=");
    const value = rest.join("=");
    if (!keys.includes(key)) problems.push(`--set ${text}: "${key}" is no setting; there are ${keys.join(", ")}`);
    else if (value === "") problems.push(`--set ${text}: a value is missing; write ${key}=<value>`);
    else if (key === "profile" && !profiles.includes(value))
      problems.push(`--set ${text}: "${value}" is no profile; there are ${profiles.join(" and ")}`);
    else given[key] = value;
  }
  return { settings: { ...defaults, ...given }, problems };
}

export function imagesOf({ hub, tag, proxyImage }: InstallSettings): Images {
  return { sluice: `${hub}/sluice:${tag}`, envoy: proxyImage };
}
