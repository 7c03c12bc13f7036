/** Titles of scripts that show a known difference -> why the host differs. Each must still differ. */
export const differences: Readonly<Record<string, string>> = {
  "continue_stream(0) and then Continue":
    "Envoy sends the request twice; the host reports it as a bug, which ends its half of the script",
  "both chains of one VM: contexts are numbered in the order in which they are made":
    "Envoy starts the downstream plugin on the main thread before it tries the upstream one; the host tries both first",
  "a refused configuration of the upstream chain alone":
    "Envoy starts the downstream plugin on the main thread before it tries the upstream one; the host tries both first",
  "an empty file of four bytes": "Envoy misses the marker in what has no version; the host says that it is no module",
  "malloc of another type": "Envoy also says that malloc is missing; the host names the cause alone",
  on_queue_ready: "queues are numbered over the whole process, and Envoy has run the scripts before this one",
  "a local reply's own body passes the filter":
    "Envoy breaks off a reply whose content-length no longer fits its body; the host lets it pass",
};
