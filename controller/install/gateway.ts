import { gatewayLabels, gatewayName, gatewayPodTemplate } from "../inject/gateway-template.ts";
import { type Manifest, manifest, namespace } from "./manifest.ts";
import { type InstallSettings, imagesOf, meshSettingsOf } from "./settings.ts";

/** The ingress gateway. It needs nothing of the API server, so it has no role and no token for it. */
export function gateway(settings: InstallSettings): readonly Manifest[] {
  const port = (name: string, number: number, targetPort: number) => ({
    name,
    port: number,
    protocol: "TCP",
    targetPort,
  });
  return [
    manifest(
      "v1",
      "ServiceAccount",
      { name: `${gatewayName}-service-account`, namespace, labels: gatewayLabels },
      { automountServiceAccountToken: false },
    ),
    manifest(
      "v1",
      "Service",
      { name: gatewayName, namespace, labels: gatewayLabels },
      {
        spec: {
          type: "NodePort",
          externalTrafficPolicy: "Local",
          selector: gatewayLabels,
          ports: [
            { ...port("status-port", 15021, 15021), appProtocol: "http" },
            { ...port("http", 80, 8080), nodePort: settings.gatewayNodePort },
          ],
        },
      },
    ),
    manifest(
      "apps/v1",
      "Deployment",
      { name: gatewayName, namespace, labels: gatewayLabels },
      {
        spec: {
          selector: { matchLabels: gatewayLabels },
          template: gatewayPodTemplate({ settings: meshSettingsOf(settings), images: imagesOf(settings) }),
        },
      },
    ),
  ];
}
