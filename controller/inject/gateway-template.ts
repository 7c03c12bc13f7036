import type { MeshSettings } from "../model/mesh.ts";
import { proxyUid } from "../model/proxy.ts";
import { parseAnnotations } from "./annotations.ts";
import { proxyContainer, revision } from "./decide.ts";
import type { Images } from "./images.ts";
import type { Json } from "./pod.ts";
import { proxyContainerOf, proxyVolumes } from "./proxy-container.ts";
import { proxyScrape } from "./scrape.ts";

/** Name of the ingress gateway's Deployment and Service, and what Gateways select it by; Istio's. */
export const gatewayName = "istio-ingressgateway";
export const gatewayLabels = { app: gatewayName, istio: "ingressgateway" } as const;

/** The template of the ingress gateway's pods: Envoy alone, and nothing is redirected to it. */
export function gatewayPodTemplate({ settings, images }: { settings: MeshSettings; images: Images }): Json {
  const labels = {
    ...gatewayLabels,
    "service.istio.io/canonical-name": gatewayName,
    "service.istio.io/canonical-revision": "latest",
    "sidecar.istio.io/inject": "false",
  };
  const port = (name: string, containerPort: number): Json => ({ containerPort, name, protocol: "TCP" });
  const proxy = proxyContainerOf({
    type: "router",
    workload: gatewayName,
    owner: { apiVersion: "apps/v1", kind: "Deployment", name: gatewayName },
    interception: "NONE",
    image: images.envoy,
    sidecar: parseAnnotations({}).settings,
    probes: [],
    ports: [port("status-port", 15021), port("http", 8080), port("https", 8443)],
    graceSeconds: undefined,
    ...{ labels, settings },
  });
  return {
    metadata: {
      labels,
      annotations: {
        "istio.io/rev": revision,
        "kubectl.kubernetes.io/default-container": proxyContainer,
        ...proxyScrape,
      },
    },
    spec: {
      serviceAccountName: `${gatewayName}-service-account`,
      securityContext: { runAsGroup: proxyUid, runAsNonRoot: true, runAsUser: proxyUid },
      containers: [proxy],
      volumes: proxyVolumes,
    },
  };
}
