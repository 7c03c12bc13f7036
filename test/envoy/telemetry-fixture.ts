// Real Envoys with the node and the statistics that the bootstrap of their proxies has.
import type { ServerHttp2Stream } from "node:http2";
import { bootstrap } from "../../controller/inject/bootstrap.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { nodeId } from "../../controller/model/names.ts";
import type { Labels } from "../../controller/model/object.ts";
import { proxy } from "../../controller/translate/test-support/model.ts";
import { type EnvoyOptions, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Beside, type Chain, filterBootstrap, type Json } from "../support/filter-envoy.ts";

export { istioFields } from "../../controller/translate/access-log.ts";

export interface Identity {
  readonly type?: "sidecar" | "router";
  readonly workload: string;
  readonly labels: Labels;
  /** Labels of metrics that the pod names. */
  readonly statTags?: readonly string[];
}

export const namespace = "shop";

/** An Envoy that is live. */
export async function startSidecar(
  identity: Identity,
  chains: readonly Chain[],
  options: EnvoyOptions = {},
): Promise<TestEnvoy> {
  const envoy = await startEnvoy(sidecarBootstrap(identity, chains), options);
  await envoy.live();
  return envoy;
}

export function sidecarBootstrap(
  { type = "sidecar", workload, labels, statTags = [] }: Identity,
  chains: readonly Chain[],
  beside: Beside = {},
): Json {
  const name = `${workload}-1`;
  const ip = "127.0.0.1";
  const domain = "cluster.local";
  const { node, stats_config } = bootstrap({
    proxy: proxy({ id: nodeId({ type, ip, name, namespace, domain }), type, ip, name, workload, labels }),
    settings: defaultSettings,
    xds: { address: ip, port: 15010 },
    adminSocket: "",
    listen: { prometheus: { address: ip, port: 1 }, ready: { address: ip, port: 2 }, admin: { address: ip, port: 3 } },
    statTags,
  });
  return { ...filterBootstrap(chains, undefined, [], beside), node, stats_config };
}

/** An application's answer to a gRPC call: two messages for each that comes. */
export function answerTwice(stream: ServerHttp2Stream): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" });
  stream.on("data", (data: Buffer) => stream.write(new Uint8Array(2 * data.length)));
  stream.on("end", () => stream.end());
}
