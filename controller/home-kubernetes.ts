// The controller over a Kubernetes API server, as `sluice install` puts it into a cluster.

import { kinds } from "./crd/kinds.ts";
import { injectorName, validatorName } from "./install/webhooks.ts";
import { CaBundle } from "./kube/ca-bundle.ts";
import { connect } from "./kube/client.ts";
import { RootConfigMaps } from "./kube/root-config-maps.ts";
import { SecretRootStore } from "./kube/secret-root-store.ts";
import { type KubernetesSource, watchKubernetes } from "./kube/source.ts";
import { tokenReview } from "./kube/token-review.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { Home } from "./serve.ts";

export interface KubernetesHomeOptions {
  /** The controller's own namespace, with the Secret of the root of trust. */
  readonly namespace: string;
  /** Absent: as kubectl finds the API server, and inside a pod its service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly log: Log;
}

/** @throws KubeError where nothing says which API server is meant */
export function kubernetesHome({ namespace, log, ...config }: KubernetesHomeOptions): Home {
  const client = connect(config);
  const shared = { client, clock: realClock, random: Math.random, log };
  let source: KubernetesSource | undefined;
  let onNamespaces = (): void => {};
  return {
    rootStore: new SecretRootStore({ client, namespace }),
    authenticate: tokenReview(client),
    async watch(onBatch) {
      const started = watchKubernetes({
        ...shared,
        kinds: Object.values(kinds),
        onBatch,
        onNamespaces: () => onNamespaces(),
      });
      source = started;
      await started.synced;
      return () => started.close();
    },
    async attend({ authority }) {
      const roots = (): string => authority.roots;
      const maps = new RootConfigMaps({ ...shared, roots, namespaces: () => source?.namespaces.keys() ?? [] });
      onNamespaces = () => maps.check();
      const bundle = new CaBundle({ ...shared, roots, injector: injectorName, validator: validatorName });
      return () => {
        maps.close();
        bundle.close();
      };
    },
  };
}
