import { canonicalRevision, canonicalService } from "../model/canonical.ts";
import type { Proxy } from "../model/proxy.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { proxyContainer, revision } from "./decide.ts";
import { type Json, type PodView, type Texts, textOf } from "./pod.ts";
import { isScraped, proxyScrape } from "./scrape.ts";

/** What injection adds to a pod's labels; what is there is kept. */
export function addedLabels(labels: Texts, { type, workload }: Pick<Proxy, "type" | "workload">): Texts {
  const name = canonicalService(labels, workload).slice(0, 63);
  return {
    ...(type === "sidecar" && { "security.istio.io/tlsMode": labels["security.istio.io/tlsMode"] ?? "istio" }),
    "service.istio.io/canonical-name": name.replace(/^[-_.]+|[-_.]+$/g, ""),
    "service.istio.io/canonical-revision": canonicalRevision(labels),
  };
}

/** What injection adds to a pod's annotations. @param added containers and volumes, which `sidecar.istio.io/status` names */
export function addedAnnotations(
  { annotations, containers }: PodView,
  added: Readonly<Record<"initContainers" | "containers" | "volumes", readonly Json[]>>,
): Texts {
  const names = Object.entries(added).map(([field, items]) => [field, items.map(({ name }) => name)]);
  const status = { ...Object.fromEntries(names), imagePullSecrets: null, revision };
  const first = textOf(containers.find(({ name }) => name !== proxyContainer)?.["name"]);
  return {
    "istio.io/rev": revision,
    ...(first !== "" && {
      "kubectl.kubernetes.io/default-container": annotations["kubectl.kubernetes.io/default-container"] ?? first,
      "kubectl.kubernetes.io/default-logs-container":
        annotations["kubectl.kubernetes.io/default-logs-container"] ?? first,
    }),
    ...(!isScraped(annotations) && proxyScrape),
    "sidecar.istio.io/status": JSON.stringify(status),
  };
}

export function withAnnotation(pod: Json, name: string, value: string): Json {
  const metadata = fieldsOf(pod["metadata"]);
  return { ...pod, metadata: { ...metadata, annotations: { ...fieldsOf(metadata["annotations"]), [name]: value } } };
}
