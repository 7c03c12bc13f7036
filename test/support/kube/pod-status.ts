// What a pod's containers amount to.
import type { V1ContainerStatus, V1Pod, V1PodCondition, V1PodStatus } from "@kubernetes/client-node";
import type { Container } from "./container.ts";

export interface PodState {
  readonly pod: V1Pod;
  /** Absent before it has a network. */
  readonly podIp: string | undefined;
  readonly hostIp: string;
  readonly startTime: Date;
  readonly init: readonly Container[];
  readonly main: readonly Container[];
}

/**
 * The status of a pod.
 *
 * @param before its conditions so far: one keeps its time while its status stays
 * @see Pod Lifecycle, in the documentation of Kubernetes
 */
export function podStatus(
  { pod, podIp, hostIp, startTime, init, main }: PodState,
  before: readonly V1PodCondition[],
  now: Date,
): V1PodStatus {
  const initialized = init.every((one) => one.isInitialized);
  const ready = initialized && [...init.filter(({ isSidecar }) => isSidecar), ...main].every((one) => one.ready);
  const facts = { PodScheduled: true, Initialized: initialized, ContainersReady: ready, Ready: ready };
  const conditions = Object.entries(facts).map(([type, is]) => {
    const status = is ? "True" : "False";
    const old = before.find((one) => one.type === type && one.status === status);
    return { type, status, lastTransitionTime: old?.lastTransitionTime ?? now };
  });
  return {
    phase: phaseOf({ pod, init, main, initialized }),
    ...(podIp === undefined ? {} : { podIP: podIp, podIPs: [{ ip: podIp }] }),
    hostIP: hostIp,
    hostIPs: [{ ip: hostIp }],
    startTime,
    conditions,
    initContainerStatuses: init.map((one) => containerStatus(one, one.isSidecar ? one.ready : one.succeeded)),
    containerStatuses: main.map((one) => containerStatus(one, one.ready)),
  };
}

function phaseOf({
  pod,
  init,
  main,
  initialized,
}: Pick<PodState, "pod" | "init" | "main"> & { initialized: boolean }): string {
  const policy = pod.spec?.restartPolicy ?? "Always";
  const failed = (one: Container): boolean => one.state.terminated !== undefined && !one.succeeded;
  if (policy === "Never" && init.some((one) => !one.isSidecar && failed(one))) return "Failed";
  if (!initialized) return "Pending";
  const stopping = pod.metadata?.deletionTimestamp !== undefined;
  const all = [...init.filter(({ isSidecar }) => isSidecar), ...main];
  if (all.every((one) => one.state.terminated) && (policy !== "Always" || stopping))
    return main.some(failed) ? "Failed" : "Succeeded";
  return main.some((one) => one.state.running ?? one.lastState.terminated ?? one.state.terminated)
    ? "Running"
    : "Pending";
}

function containerStatus(container: Container, ready: boolean): V1ContainerStatus {
  const { spec, state, lastState, restartCount, started } = container;
  const image = spec.image ?? "";
  return { name: spec.name, image, imageID: "", ready, started, restartCount, state, lastState };
}
