// Where the root of trust stands in a cluster: Istio's names.

/** Secrets of the control plane's namespace: the operator's own, which comes first, and the one that is made where it is not. */
export const rootSecrets = { brought: "cacerts", selfMade: "istio-ca-secret" } as const;

/** In every namespace, for the pods: the roots that they trust, in PEM under `key`. */
export const rootConfigMap = { name: "istio-ca-root-cert", key: "root-cert.pem" } as const;
