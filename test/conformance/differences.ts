/** Titles of scripts that show a known difference -> why the host differs. Each must still differ. */
export const differences: Readonly<Record<string, string>> = {
  "continue_stream(0) and then Continue":
    "Envoy sends the request twice; the host reports it as a bug, which ends its half of the script",
  "an empty file of four bytes": "Envoy misses the marker in what has no version; the host says that it is no module",
  "malloc of another type": "Envoy also says that malloc is missing; the host names the cause alone",
};

/** Titles of scripts of what the host does not emulate -> what it says that is. Each must still be refused. */
export const refusals: Readonly<Record<string, string>> = {
  'set_envoy_filter_state of "envoy.network.ip" to "10.0.0.1"': "set_envoy_filter_state(envoy.network.ip)",
  "resolving a name": "envoy_resolve_dns",
  "TCP: the caller resets while the filter holds the connection, after its end":
    "a reset behind an end that Envoy has not read",
  "an imported memory": "an imported memory",
};
