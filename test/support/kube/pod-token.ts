import type { V1Pod, V1ServiceAccountTokenProjection } from "@kubernetes/client-node";
import type { KubeApi } from "./api.ts";

/** A token is renewed after this share of its life. @see k8s.io/kubernetes/pkg/kubelet/token */
const renewShare = 0.8;
const lifeSecondsDefault = 3600;

export interface PodToken {
  readonly token: string;
  /** When a new one is to be had, in ms since the epoch. */
  readonly renewAtMs: number;
}

/** The service account tokens of one pod, bound to it, one for each audience and length of life. */
export class PodTokens {
  readonly #api: KubeApi;
  readonly #tokens = new Map<string, PodToken>();

  constructor(api: KubeApi) {
    this.#api = api;
  }

  /** When the first of them is to be renewed, in ms since the epoch; `undefined` where there are none. */
  get renewAtMs(): number | undefined {
    const times = [...this.#tokens.values()].map((one) => one.renewAtMs);
    return times.length > 0 ? Math.min(...times) : undefined;
  }

  /** A token that is not due for renewal. */
  async get(pod: V1Pod, projection: V1ServiceAccountTokenProjection): Promise<PodToken> {
    const { audience, expirationSeconds = lifeSecondsDefault } = projection;
    const key = `${audience} ${expirationSeconds}`;
    const known = this.#tokens.get(key);
    if (known && Date.now() < known.renewAtMs) return known;
    const { metadata, spec } = pod;
    const { status } = await this.#api.create<{ status: { token: string; expirationTimestamp: string } }>(
      `/api/v1/namespaces/${metadata?.namespace}/serviceaccounts/${spec?.serviceAccountName ?? "default"}/token`,
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          ...(audience ? { audiences: [audience] } : {}),
          expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name: metadata?.name, uid: metadata?.uid },
        },
      },
    );
    const lifeMs = Date.parse(status.expirationTimestamp) - Date.now();
    const token = { token: status.token, renewAtMs: Date.now() + lifeMs * renewShare };
    this.#tokens.set(key, token);
    return token;
  }
}
