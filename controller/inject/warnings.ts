import { proxyUid } from "../model/proxy.ts";
import { fieldsOf } from "../model/raw-object.ts";
import { proxyContainer } from "./decide.ts";
import { type PodView, textOf } from "./pod.ts";
import { isScraped } from "./scrape.ts";
import type { Owner } from "./workload.ts";

/** What works otherwise with a proxy than its user may expect. */
export function podWarnings(
  view: PodView,
  { owner, native }: { readonly owner: Owner; readonly native: boolean },
): readonly string[] {
  const { spec, annotations } = view;
  const policy = textOf(spec["dnsPolicy"]);
  return [
    ...(policy === "" || policy === "ClusterFirst"
      ? []
      : [`dnsPolicy is ${policy}: the proxy can't find the control plane unless that resolves the cluster's names`]),
    ...(isScraped(annotations)
      ? [
          "annotations prometheus.io are the application's own and stay; the proxy's metrics are on :15090/stats/prometheus",
        ]
      : []),
    ...(["Job", "CronJob"].includes(owner.kind) && !native
      ? [
          "a Job's pod does not complete, since its proxy runs on; set annotation sidecar.istio.io/nativeSidecar to true",
        ]
      : []),
    ...sameUser(view),
  ];
}

/** Whose traffic would be taken for the proxy's, and so not be redirected. */
function sameUser({ spec, containers }: PodView): readonly string[] {
  const outer = fieldsOf(spec["securityContext"]);
  const applications = containers.filter(({ name }) => name !== proxyContainer);
  return applications.flatMap((container) => {
    const inner = fieldsOf(container["securityContext"]);
    const same = ["runAsUser", "runAsGroup"].filter((field) => (inner[field] ?? outer[field]) === proxyUid);
    return same.map(
      (field) =>
        `container ${textOf(container["name"])}: ${field} is ${proxyUid}, the proxy's: its traffic passes the mesh by`,
    );
  });
}
