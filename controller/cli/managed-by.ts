import type { Metadata } from "./envoy-json.ts";

/**
 * The object that a resource comes from, `catalog.istioinaction`, from its metadata `istio.config`:
 * `/apis/networking.istio.io/v1/namespaces/istioinaction/destination-rule/catalog`. Empty where there is none.
 */
export function managedBy(metadata: Metadata | undefined): string {
  const config = metadata?.filter_metadata?.istio?.config;
  if (typeof config !== "string" || config === "") return "";
  const match = /^\/apis\/networking\.istio\.io\/[^/]+\/namespaces\/([^/]+)\/[^/]+\/([^/]+)$/.exec(config);
  return match === null ? "<unknown>" : `${match[2]}.${match[1]}`;
}
