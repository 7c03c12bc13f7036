import type { MeshSettings } from "../model/mesh.ts";
import { nodeId } from "../model/names.ts";
import { type Proxy, proxyUid } from "../model/proxy.ts";
import { rootConfigMap } from "../model/root-names.ts";
import { tokenAudience } from "../ports/authenticator.ts";
import type { SidecarSettings } from "./annotations.ts";
import { bootstrap } from "./bootstrap.ts";
import { proxyContainer } from "./decide.ts";
import { envoyFlags } from "./envoy-flags.ts";
import { expandable, type PodVariable, variable } from "./expansion.ts";
import { heapBytesMax, workerThreads } from "./limits.ts";
import type { Json, Texts } from "./pod.ts";
import { type ProbeRoute, probePort } from "./probes.ts";
import { type Owner, ownerUrl } from "./workload.ts";

/** Seconds that a proxy serves on after its pod is told to end: by then no caller knows the pod. Istio's drain. */
const drainSeconds = 5;

/** What Kubernetes gives a pod to end, where the pod doesn't say. */
const defaultGraceSeconds = 30;

export interface ProxyContainerOptions {
  readonly type: Proxy["type"];
  /** As the pod will have them. */
  readonly labels: Texts;
  readonly workload: string;
  readonly owner: Owner;
  readonly interception: Proxy["interception"];
  readonly settings: MeshSettings;
  /** Envoy's. */
  readonly image: string;
  readonly sidecar: Pick<
    SidecarSettings,
    "resources" | "volumeMounts" | "logLevel" | "componentLogLevel" | "statTags" | "readiness"
  >;
  readonly probes: readonly ProbeRoute[];
  /** Ports beside Envoy's own statistics. */
  readonly ports: readonly Json[];
  /** `terminationGracePeriodSeconds` of the pod. */
  readonly graceSeconds: unknown;
}

/** Stock Envoy; all that it is told stands in its arguments. */
export function proxyContainerOf(options: ProxyContainerOptions): Json {
  const { image, ports, sidecar, graceSeconds } = options;
  const concurrency = workerThreads(sidecar.resources);
  const ready = { httpGet: { path: "/healthz/ready", port: 15021 } };
  const drain = Math.min(drainSeconds, typeof graceSeconds === "number" ? graceSeconds : defaultGraceSeconds);
  return {
    name: proxyContainer,
    image,
    command: ["/usr/local/bin/envoy"],
    args: [...envoyFlags({ ...sidecar, concurrency }), "--config-yaml", bootstrapArgument(options)],
    ports: [...ports, { containerPort: 15090, name: "http-envoy-prom", protocol: "TCP" }],
    env: Object.entries(variables).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } })),
    resources: sidecar.resources,
    startupProbe: { ...ready, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 600 },
    readinessProbe: { ...ready, ...sidecar.readiness, timeoutSeconds: 3 },
    // SIGTERM ends Envoy at once, and nothing in the pod could ask it to drain
    ...(drain > 0 ? { lifecycle: { preStop: { sleep: { seconds: drain } } } } : {}),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: proxyUid,
      runAsNonRoot: true,
      runAsUser: proxyUid,
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: "istio-envoy", mountPath: envoyFolder },
      { name: "istio-token", mountPath: tokenFolder, readOnly: true },
      { name: "istiod-ca-cert", mountPath: rootFolder, readOnly: true },
      ...sidecar.volumeMounts,
    ],
  };
}

const envoyFolder = "/etc/istio/proxy";
const tokenFolder = "/var/run/secrets/tokens";
const rootFolder = "/var/run/secrets/istio";

const variables: Readonly<Record<PodVariable, string>> = {
  POD_NAME: "metadata.name",
  POD_NAMESPACE: "metadata.namespace",
  INSTANCE_IP: "status.podIP",
  SERVICE_ACCOUNT: "spec.serviceAccountName",
};

/** The names are Istio's. */
export const proxyVolumes: readonly Json[] = [
  { name: "istio-envoy", emptyDir: { medium: "Memory" } },
  {
    name: "istio-token",
    projected: {
      sources: [{ serviceAccountToken: { path: "istio-token", expirationSeconds: 43_200, audience: tokenAudience } }],
    },
  },
  { name: "istiod-ca-cert", configMap: { name: rootConfigMap.name } },
];

/** What a pod itself is replaced by variables, so that a template serves all of its pods. */
function bootstrapArgument(options: ProxyContainerOptions): string {
  const { type, labels, workload, owner, interception, settings, sidecar, probes } = options;
  const [name, namespace, ip, serviceAccount] = [
    variable("POD_NAME"),
    variable("POD_NAMESPACE"),
    variable("INSTANCE_IP"),
    variable("SERVICE_ACCOUNT"),
  ];
  const id = nodeId({ type, ip, name, namespace, domain: settings.domain });
  const config = bootstrap({
    proxy: { id, type, ip, name, namespace, labels, serviceAccount, workload, interception, version: "" },
    settings,
    owner: ownerUrl(owner, namespace),
    xds: {
      address: `sluice.${settings.rootNamespace}.svc`,
      port: 15012,
      secure: { rootCertFile: `${rootFolder}/${rootConfigMap.key}`, tokenFile: `${tokenFolder}/istio-token` },
    },
    adminSocket: `${envoyFolder}/admin.sock`,
    listen: {
      prometheus: { address: "0.0.0.0", port: 15090 },
      ready: { address: "0.0.0.0", port: 15021 },
      admin: { address: "127.0.0.1", port: 15000 },
      probes: { address: "0.0.0.0", port: probePort },
    },
    probes,
    statTags: sidecar.statTags,
    heapBytesMax: heapBytesMax(sidecar.resources),
  });
  return expandable(JSON.stringify(config));
}
