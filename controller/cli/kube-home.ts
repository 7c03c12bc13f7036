import { workloadName } from "../model/workload.ts";
import { CliError } from "./cli-error.ts";
import type { CliDeps, HttpRequest, KubeApi } from "./deps.ts";
import type { Home, Pod } from "./home.ts";
import { selectingKinds, selectorText } from "./selecting-kinds.ts";

/** Of Envoy's admin and of a controller's monitoring pages, on the loopback of their pods. */
const ports = { admin: 15000, monitoring: 15014 } as const;

/** Container of the proxy, in injected pods and in gateways; an init container where it is a native sidecar. */
const proxyContainer = "istio-proxy";

/** As istioctl finds its control plane by `app=istiod`. */
const controllerSelector = "app=sluice";

/** The fields that are read of a Kubernetes Pod. */
interface RawPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly controller?: boolean;
    }[];
  };
  readonly spec: {
    readonly containers: readonly { readonly name: string }[];
    readonly initContainers?: readonly { readonly name: string }[];
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** A mesh in Kubernetes: pods are listed by the API server, and what listens in them is reached by its port-forward. */
export function kubeHome(api: KubeApi, istioNamespace: string, http: CliDeps["http"]): Home {
  const running = async (where: Parameters<KubeApi["runningPods"]>[0]): Promise<readonly RawPod[]> =>
    (await api.runningPods(where).catch(fail)) as readonly RawPod[];
  const ask = ({ metadata: { name, namespace } }: RawPod, port: number, request: HttpRequest): Promise<string> =>
    http(
      { place: `port ${port} of pod ${name}.${namespace}`, connect: () => api.connect({ name, namespace }, port) },
      request,
    );
  const podsOf = async (where: Parameters<KubeApi["runningPods"]>[0]): Promise<readonly Pod[]> =>
    (await running(where)).map((pod) => ({
      ...described(pod),
      admin: (request, port = ports.admin) => ask(pod, port, request),
    }));
  return {
    pods: (namespace = api.namespace) => podsOf({ namespace }),
    async selected({ kind, name }, namespace = api.namespace) {
      const { group, names } = selectingKinds[kind];
      const object = await api.get({ group, version: "v1", plural: names[1], namespace, name }).catch(fail);
      if (object === undefined) return undefined;
      const labelSelector = selectorText(kind, object);
      return labelSelector === "" ? [] : podsOf({ namespace, labelSelector });
    },
    namespace: api.namespace,
    objects: () => api.meshObjects().catch(fail),
    place: (namespace) =>
      namespace === undefined ? `in namespace ${api.namespace} (-n names another one)` : `in namespace ${namespace}`,
    async controllers() {
      const pods = await running({ namespace: istioNamespace, labelSelector: controllerSelector });
      const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined); // others hang up any moment
      return staying.map((pod) => ({
        name: `${pod.metadata.name}.${istioNamespace}`,
        page: (path) => ask(pod, ports.monitoring, { path }),
      }));
    },
  };
}

function fail(error: Error): never {
  throw new CliError(error.message);
}

function hasProxy({ containers, initContainers = [] }: RawPod["spec"]): boolean {
  return [...containers, ...initContainers].some(({ name }) => name === proxyContainer);
}

function described({ metadata, spec, status }: RawPod): Omit<Pod, "admin"> {
  const { name, namespace, labels = {}, deletionTimestamp, ownerReferences = [] } = metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  const isReady = status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  return {
    name,
    namespace,
    workload: owner ? workloadName(owner, labels["pod-template-hash"]) : name,
    ready: isReady && deletionTimestamp === undefined,
    hasProxy: hasProxy(spec),
  };
}
