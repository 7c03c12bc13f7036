// The controller over a Kubernetes API server, as `sluice install` puts it into a cluster.
import { kinds } from "./crd/kinds.ts";
import { parseObject } from "./crd/parse-object.ts";
import type { PodNamespace } from "./inject/decide.ts";
import type { Images } from "./inject/images.ts";
import { injectorName, validatorName } from "./install/webhooks.ts";
import type { KubeObject } from "./kube/api.ts";
import { CaBundle } from "./kube/ca-bundle.ts";
import { connect } from "./kube/client.ts";
import { RefusalEvents } from "./kube/refusal-events.ts";
import { RootConfigMaps } from "./kube/root-config-maps.ts";
import { SecretRootStore } from "./kube/secret-root-store.ts";
import { type KubernetesSource, watchKubernetes } from "./kube/source.ts";
import { StatusWriter } from "./kube/status-writer.ts";
import { tokenReview } from "./kube/token-review.ts";
import type { MeshSettings } from "./model/mesh.ts";
import { realClock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { Controller, Home } from "./serve.ts";
import { inject } from "./webhooks/inject.ts";
import { serveWebhooks, type WebhookServer } from "./webhooks/server.ts";
import { validate } from "./webhooks/validate.ts";

export interface KubernetesHomeOptions {
  /** The controller's own namespace, with the Secret of the root of trust. */
  readonly namespace: string;
  /** Absent: as kubectl finds the API server, and inside a pod its service account. */
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly settings: MeshSettings;
  /** Of what pods are given. */
  readonly images: Images;
  readonly webhooks: { readonly host: string; readonly port: number };
  /** Of this controller. */
  readonly name: string;
  readonly log: Log;
}

/** @throws KubeError where nothing says which API server is meant */
export function kubernetesHome({
  namespace,
  name,
  webhooks,
  settings,
  images,
  log,
  ...config
}: KubernetesHomeOptions): Home {
  const client = connect(config);
  const shared = { client, clock: realClock, random: Math.random, log };
  const events = new RefusalEvents({ ...shared, controller: name });
  const statuses = new StatusWriter({ ...shared, events });
  let source: KubernetesSource | undefined;
  let maps: RootConfigMaps | undefined;
  const namespaces = { group: "", version: "v1", plural: "namespaces" };
  const known = (of: string): PodNamespace | undefined => namespaceOf(source?.namespaces.get(of));
  const read = async (of: string): Promise<PodNamespace> =>
    namespaceOf(await client.get({ ...namespaces, name: of })) ?? { name: of, labels: {} };
  const serveHooks = ({ plane, modules, serving }: Controller): Promise<WebhookServer> =>
    serveWebhooks({
      ...webhooks,
      certificate: serving,
      webhooks: {
        "/inject": (request) => inject(request, { settings, images, known, read }),
        "/validate": (request, deadlineMs) =>
          validate(request, deadlineMs, {
            parse: parseObject,
            tryModule: (plugin) => modules.problemsOf(plugin),
            problemsInMesh: (object) => plane.problemsWith(object),
            clock: realClock,
          }),
      },
      log,
    });
  return {
    rootStore: new SecretRootStore({ client, namespace }),
    authenticate: tokenReview(client),
    onStatus: (status) => statuses.update(status),
    async watch(onBatch) {
      const started = watchKubernetes({
        ...shared,
        kinds: Object.values(kinds),
        onBatch(batch) {
          statuses.objects(batch.objects);
          onBatch(batch);
        },
        onNamespaces: () => maps?.check(),
      });
      source = started;
      await started.synced;
      return () => started.close();
    },
    async attend(controller) {
      const roots = (): string => controller.authority.roots;
      const hooks = await serveHooks(controller);
      const bundle = new CaBundle({ ...shared, roots, injector: injectorName, validator: validatorName });
      maps = new RootConfigMaps({ ...shared, roots, namespaces: () => source?.namespaces.keys() ?? [] });
      return async () => {
        maps?.close();
        bundle.close();
        statuses.stop();
        events.stop();
        await hooks.close();
      };
    },
  };
}

function namespaceOf(object: KubeObject | undefined): PodNamespace | undefined {
  return object && { name: object.metadata.name, labels: object.metadata.labels ?? {} };
}
