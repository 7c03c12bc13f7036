// What the objects of one namespace may see of another: `exportTo`, and the hosts that a Sidecar's listener names.

import { covers, splitHost } from "./host.ts";
import type { Proxy } from "./proxy.ts";
import type { EgressListener } from "./sidecar.ts";

/** Whether an object of namespace `from` may be used in namespace `to`. */
export function isExported(exportTo: readonly string[], { from, to }: { from: string; to: string }): boolean {
  if (exportTo.length === 0 || exportTo.includes("*")) return true;
  return exportTo.includes(to) || (exportTo.includes(".") && from === to);
}

/** Whether an egress listener's `hosts` bring a name in; `~namespace/host` takes out what the others bring. */
export function imports(listener: EgressListener, proxy: Proxy, name: { host: string; namespace: string }): boolean {
  const patterns = listener.hosts.map((text) => {
    const { namespace, host } = splitHost(text, "*");
    const excluded = namespace.startsWith("~");
    const bare = excluded ? namespace.slice(1) || "*" : namespace;
    return { excluded, namespace: bare === "." ? proxy.namespace : bare, host };
  });
  const fits = (excluded: boolean): boolean =>
    patterns.some(
      (pattern) =>
        pattern.excluded === excluded &&
        (pattern.namespace === "*" || pattern.namespace === name.namespace) &&
        covers(pattern.host, name.host),
    );
  return fits(false) && !fits(true);
}
