import { type ConfigDump, section } from "./dump.ts";
import type { Node } from "./envoy-json.ts";
import { table } from "./table.ts";

/** The versions that a proxy tells of itself; Istio's only where a proxy has them. */
export function bootstrapTable(dump: ConfigDump): string {
  const node = section(dump, "BootstrapConfigDump").bootstrap?.node ?? {};
  const { ISTIO_VERSION: istio, ISTIO_PROXY_SHA: sha } = node.metadata ?? {};
  const rows = [
    ...(typeof istio === "string" ? [["Istio Version:", istio]] : []),
    ...(typeof sha === "string" ? [["Istio Proxy Version:", sha.split(":").at(-1) ?? sha]] : []),
    ["Envoy Version:", envoyVersion(node)],
  ];
  return table(rows, 1);
}

/** `1.40.0/Clean/RELEASE/BoringSSL` */
function envoyVersion({ user_agent_build_version: build }: Node): string {
  const { major_number = 0, minor_number = 0, patch = 0 } = build?.version ?? {};
  const text = (key: string): readonly string[] => {
    const value = build?.metadata?.[key];
    return typeof value === "string" ? [value] : [];
  };
  const label = text("build.label").map((value) => `-${value}`);
  const facts = ["revision.status", "build.type", "ssl.version"].flatMap(text).map((value) => `/${value}`);
  return [`${major_number}.${minor_number}.${patch}`, ...label, ...facts].join("");
}
