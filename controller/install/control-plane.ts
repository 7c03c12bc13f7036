import { proxyUid } from "../model/proxy.ts";
import { account } from "./access.ts";
import { type Manifest, manifest, namespace } from "./manifest.ts";
import { type InstallSettings, imagesOf } from "./settings.ts";

export const controlPlaneName = "sluice";

const labels = { app: controlPlaneName };
const ports = { "grpc-xds": 15012, "https-webhook": 15017 } as const;

/** Which profile an installation has; `verify-install` reads it. */
export const profileAnnotation = "install.sluice.dev/profile";

/** How long a pod that ends goes on: until the API server and the proxies know that its Service leads to another one. */
const leaveSeconds = 5;

/** The name that proxies and the API server call. */
export function service(): Manifest {
  const port = (name: keyof typeof ports, number: number) => ({
    name,
    port: number,
    protocol: "TCP",
    targetPort: ports[name],
  });
  return manifest(
    "v1",
    "Service",
    { name: controlPlaneName, namespace, labels },
    {
      spec: {
        selector: labels,
        ports: [port("grpc-xds", 15012), port("https-webhook", 443)],
      },
    },
  );
}

/**
 * Who may call the control plane, where the cluster's network holds to it: xDS pods, the webhooks anyone. A policy can't name
 * the API server, which comes from a node or from outside of the cluster; nor does it prove who it is to a webhook unless its
 * operator gives it a certificate.
 */
export function networkPolicy(): Manifest {
  const on = (name: keyof typeof ports) => ({ ports: [{ port: ports[name], protocol: "TCP" }] });
  return manifest(
    "networking.k8s.io/v1",
    "NetworkPolicy",
    { name: controlPlaneName, namespace, labels },
    {
      spec: {
        podSelector: { matchLabels: labels },
        policyTypes: ["Ingress"],
        ingress: [{ from: [{ namespaceSelector: {} }], ...on("grpc-xds") }, on("https-webhook")],
      },
    },
  );
}

export function deployment(settings: InstallSettings): Manifest {
  return manifest(
    "apps/v1",
    "Deployment",
    { name: controlPlaneName, namespace, labels, annotations: { [profileAnnotation]: settings.profile } },
    {
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels: { ...labels, "sidecar.istio.io/inject": "false" } },
          spec: {
            serviceAccountName: account,
            securityContext: { runAsNonRoot: true, runAsUser: proxyUid, runAsGroup: proxyUid, fsGroup: proxyUid },
            containers: [container(settings)],
            volumes: [{ name: "tmp", emptyDir: {} }],
          },
        },
      },
    },
  );
}

/**
 * What 2,000 pods and 200 services take, by `npm run measure:kube`: 395 MiB resident, and 110 for the process in which modules
 * are tried out. There is no limit, as istiod has none: a mesh that outgrew it would have its controller killed at each start.
 */
const resources = { requests: { cpu: "100m", memory: "512Mi" } };

function container(settings: InstallSettings): object {
  const images = imagesOf(settings);
  return {
    name: "controller",
    image: images.sluice,
    args: [
      ...["controller", "--kubernetes", `--cluster-domain=${settings.clusterDomain}`],
      ...[`--trust-domain=${settings.trustDomain}`, `--certificate-ttl=${settings.certificateTtl}`],
      `--zipkin=${settings.zipkin}`,
    ],
    ports: Object.entries(ports).map(([name, containerPort]) => ({ name, containerPort, protocol: "TCP" })),
    env: [
      { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
      { name: "SLUICE_IMAGE", value: images.sluice },
      { name: "ENVOY_IMAGE", value: images.envoy },
    ],
    lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
    readinessProbe: { httpGet: { path: "/ready", port: ports["https-webhook"], scheme: "HTTPS" }, periodSeconds: 3 },
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [{ name: "tmp", mountPath: "/tmp" }],
  };
}
