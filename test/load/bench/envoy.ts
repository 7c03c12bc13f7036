// An Envoy that answers by itself behind a number of plugins of one module, and what the system and its log say of it.
import { readdirSync, readFileSync } from "node:fs";
import { freePort, startEnvoy, type TestEnvoy } from "../../support/envoy.ts";

export interface HelloEnvoy {
  readonly envoy: TestEnvoy;
  readonly port: number;
  /** How long its main thread took for the listener and its modules. */
  readonly loadMs: number;
}

/**
 * @param file  the module
 * @param count plugins, each with a vm_id and so with VMs of its own: one of the main thread, one of the only worker
 */
export async function startHello(file: string, count: number): Promise<HelloEnvoy> {
  const port = await freePort();
  const envoy = await startEnvoy(bootstrap(port, file, count), {
    args: ["--log-format", "%E.%f %v"], // seconds with six digits
    deadlineMs: 120_000, // Go's module is compiled for many seconds
  });
  await envoy.live();
  const at = (line: string): number =>
    Number(new RegExp(`^(\\d+\\.\\d+) ${line}`, "m").exec(envoy.output())?.[1]) * 1000;
  return { envoy, port, loadMs: at("loading stats configuration") - at("loading 1 listener") };
}

/** Resident memory. */
export function rssKiB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Time on a processor, of all threads. */
export function cpuNs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, thread) => sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]),
    0,
  );
}

function bootstrap(port: number, filename: string, count: number): Readonly<Record<string, unknown>> {
  const type = (name: string) => ({ "@type": `type.googleapis.com/envoy.extensions.filters.${name}` });
  const wasm = (_: unknown, n: number) => ({
    name: `hello-${n}`,
    typed_config: {
      ...type("http.wasm.v3.Wasm"),
      config: { vm_config: { vm_id: `${n}`, runtime: "envoy.wasm.runtime.v8", code: { local: { filename } } } },
    },
  });
  const manager = {
    ...type("network.http_connection_manager.v3.HttpConnectionManager"),
    stat_prefix: "bench",
    route_config: {
      virtual_hosts: [
        { name: "all", domains: ["*"], routes: [{ match: { prefix: "/" }, direct_response: { status: 200 } }] },
      ],
    },
    http_filters: [
      ...Array.from({ length: count }, wasm),
      { name: "router", typed_config: type("http.router.v3.Router") },
    ],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: "bench",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [{ filters: [{ name: "manager", typed_config: manager }] }],
        },
      ],
    },
  };
}
