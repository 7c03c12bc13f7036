// Panels of the proxies themselves: what they run, whether they are told, what they refused, what they take.
import { graph, type PanelBuilder } from "./panels.ts";

/** Of listeners, clusters and plugins; not of each cluster's endpoints, which are too many series to ask for. */
const rejected = "envoy_(listener_manager_lds|cluster_manager_cds|extension_config_discovery_.+)_update_rejected";
const reloads = "envoy_wasm_(.+)_vm_reload_(?:success|failure)";

export const proxies: readonly PanelBuilder[] = [
  graph(
    {
      title: "Proxies by version",
      description:
        "How many proxies run which version. Two versions long after an upgrade: those pods were injected before it; " +
        "restart them.",
      unit: "none",
    },
    { expr: "sum(istio_build) by (component, tag)", legend: "{{component}} {{tag}}" },
  ),
  graph(
    {
      title: "Connected to the control plane",
      description:
        "How many proxies there are, and how many of them have a stream to the control plane. One that has none goes on " +
        "with what it last got, and learns of no new pod, route or certificate: see its log and the controller's.",
      unit: "none",
    },
    { expr: "count(envoy_control_plane_connected_state)", legend: "proxies" },
    { expr: "sum(envoy_control_plane_connected_state)", legend: "connected" },
  ),
  graph(
    {
      title: "Configuration rejected",
      description:
        "Updates of listeners, clusters and plugins that proxies did not take, since they started. A step up: the proxy " +
        "keeps what it had; the controller's log and the status of the object it came from say why.",
      unit: "none",
    },
    { expr: `sum({__name__=~"${rejected}"})`, legend: "rejected" },
  ),
  graph(
    {
      title: "Wasm VMs made anew",
      description:
        "VMs of a plugin that trapped and were loaded again, since the proxies started. Each step up failed the requests " +
        "that were open in it: the proxy's log has the trap; roll the plugin back.",
      unit: "none",
    },
    {
      expr: `sum(label_replace({__name__=~"${reloads}"}, "plugin", "$1", "__name__", "${reloads}")) by (plugin)`,
      legend: "{{plugin}}",
    },
  ),
  graph(
    {
      title: "Wasm VMs",
      description:
        "VMs of plugins that are loaded, one for each thread of a proxy, in all proxies. They grow for a moment at each " +
        "swap; if they stay high, long connections still hold the old ones.",
      unit: "none",
    },
    { expr: "sum(envoy_wasm_envoy_wasm_runtime_v8_active)", legend: "active" },
  ),
  graph(
    {
      title: "Memory of a proxy",
      description:
        "Resident bytes of the proxy that takes most, and of the one in the middle. At 78 % of its container's limit a " +
        "proxy refuses requests: raise the limit, or narrow what it knows by a Sidecar resource.",
      unit: "bytes",
    },
    { expr: "max(envoy_server_memory_physical_size)", legend: "most" },
    { expr: "quantile(0.5, envoy_server_memory_physical_size)", legend: "median" },
  ),
];
