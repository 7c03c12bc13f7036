import { type ConfigDump, section, typeName } from "./dump.ts";
import type { TypedExtensionConfig } from "./envoy-json.ts";
import { compareText } from "./order.ts";
import { slotPlugins } from "./slot-plugins.ts";
import { table } from "./table.ts";

/** Extension configurations, by type and name. */
export function extensionsOf(dump: ConfigDump): readonly TypedExtensionConfig[] {
  return (section(dump, "EcdsConfigDump").ecds_filters ?? [])
    .flatMap(({ ecds_filter }) => ecds_filter ?? [])
    .sort(
      (a, b) =>
        compareText(typeName(a.typed_config), typeName(b.typed_config)) || compareText(a.name ?? "", b.name ?? ""),
    );
}

/**
 * istioctl's two columns, and a row for each plugin of a slot in the order in which requests meet them: its name, the
 * digest of its module, the destination ports it acts on.
 *
 * @param isNamed names are `ecds/<name>`, as in `proxy-config all`
 */
export function ecdsTable(extensions: readonly TypedExtensionConfig[], isNamed = false): string {
  const rows = extensions.flatMap(({ name = "", typed_config }) => {
    const lead = [`${isNamed ? "ecds/" : ""}${name}`, typeName(typed_config)];
    const plugins = slotPlugins({ name, ...(typed_config && { typed_config }) });
    if (plugins.length === 0) return [[...lead, "-", "-", "-"]];
    return plugins.map((plugin) => [...lead, plugin.name, plugin.module, plugin.ports]);
  });
  return table([["ECDS NAME", "TYPE", "PLUGIN", "MODULE", "PORTS"], ...rows]);
}
