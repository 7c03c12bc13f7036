// Loaded into the controller's process while it is measured (`node --import`): says what only the process itself knows.
import { createServer } from "node:http";
import process from "node:process";

/** On the pod's loopback. */
export const usagePort = 15999;

/** The answer to any request; before it, garbage is collected where Node runs with `--expose-gc`. */
export interface Usage {
  /** Of the process's start, in milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Since then, of all threads, in ms. */
  readonly cpuMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

function usage(): Usage {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    startedAtMs: performance.timeOrigin,
    cpuMs: (user + system) / 1000,
    heapBytes: heapUsed,
    rssBytes: rss,
  };
}

// Its children inherit NODE_OPTIONS, and whoever measures imports the types.
if (process.argv[2] === "controller") {
  const server = createServer((_request, response) => response.end(JSON.stringify(usage())));
  server.listen(usagePort, "127.0.0.1").unref();
}
