// From `kubectl apply` of a WasmPlugin's new configuration to the last proxy's ACK, and to Programmed in its status.

import type { KubeObject } from "../support/kube/api.ts";
import type { KubeMesh } from "../support/kube/mesh.ts";
import { Watched } from "../support/kube/watched.ts";
import type { Figure, Measurement } from "./figures.ts";
import { isSettled, kubeMesh, proxies, proxyCount } from "./kube-mesh.ts";

const times = 15;

interface Plugin extends KubeObject {
  readonly metadata?: KubeObject["metadata"] & { readonly generation?: number };
  readonly spec?: { readonly pluginConfig?: { readonly percent?: number } };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration?: number;
    }[];
  };
}

/** When what was applied had which effect, in ms since kubectl was started. */
interface Applied {
  readonly stored: number;
  readonly acked: number;
  readonly programmed: number;
}

export const applied: Measurement = async (resources) => appliedTo(await kubeMesh(resources), resources, "");

/** @param where what is particular about the mesh: ` under churn` */
export async function appliedTo(
  mesh: KubeMesh,
  resources: AsyncDisposableStack,
  where: string,
): Promise<readonly Figure[]> {
  const stored = new Map<number, number>();
  const programmed = new Map<number, number>();
  const path = "/apis/extensions.istio.io/v1alpha1/namespaces/istio-system/wasmplugins";
  const watched = new Watched<Plugin>(mesh.api, path, (plugin) => {
    const percent = plugin.spec?.pluginConfig?.percent ?? 0;
    if (!stored.has(percent)) stored.set(percent, Date.now());
    if (isProgrammed(plugin) && !programmed.has(percent)) programmed.set(percent, Date.now());
  });
  resources.defer(async () => watched.stop());
  const samples: Applied[] = [];
  for (let percent = 1; percent <= times + 1; percent++) {
    const startedAtMs = Date.now();
    await mesh.kubectl.apply(pluginYaml(percent));
    const programmedAtMs = await mesh.waitFor(() => programmed.get(percent), `percent ${percent} to be programmed`);
    const acked = await proxies(
      mesh,
      (all) =>
        all.length === proxyCount && all.every((one) => isSettled(one) && (one.types.ECDS.sinceMs ?? 0) >= startedAtMs),
      `percent ${percent} to be acknowledged`,
    );
    if (percent === 1) continue; // makes the object
    samples.push({
      stored: (stored.get(percent) ?? 0) - startedAtMs,
      acked: Math.max(...acked.map(({ types }) => types.ECDS.sinceMs ?? 0)) - startedAtMs,
      programmed: programmedAtMs - startedAtMs,
    });
  }
  const what = `WasmPlugin's configuration applied${where}`;
  const figure = (to: string, of: (sample: Applied) => number, how: string): Figure => ({
    what: `${what}: ${to}`,
    samples: samples.map(of),
    unit: "ms",
    how,
  });
  return [
    figure("kubectl to stored", ({ stored }) => stored, "checked by the webhook; seen by a watch"),
    figure(
      "stored to last ACK",
      ({ stored, acked }) => acked - stored,
      `${proxyCount} proxies; the controller's time of it`,
    ),
    figure("kubectl to last ACK", ({ acked }) => acked, "the sum of both"),
    figure("kubectl to Programmed", ({ programmed }) => programmed, "of the same generation; seen by a watch"),
  ];
}

function isProgrammed({ metadata, status }: Plugin): boolean {
  const condition = status?.conditions?.find(({ type }) => type === "Programmed");
  return condition?.status === "True" && condition.observedGeneration === metadata?.generation;
}

/** For all proxies. */
function pluginYaml(percent: number): string {
  return `apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: measured, namespace: istio-system}
spec:
  url: builtin://retry-budget
  match: [{mode: CLIENT}]
  pluginConfig: {percent: ${percent}}
`;
}
