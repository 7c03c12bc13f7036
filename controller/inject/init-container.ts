import type { SidecarSettings } from "./annotations.ts";
import type { Json } from "./pod.ts";

/** Where iptables of the legacy kind make their lock: by default in /run, which can't be written. Every container has this. */
const lockFile = "/dev/shm/xtables.lock";

/** The step that redirects the pod's traffic: as root, with nothing but what that takes, and gone when it is done. */
export function initContainerOf(image: string, { initArgs, resources }: SidecarSettings): Json {
  return {
    name: "istio-init",
    image,
    args: ["init", ...initArgs],
    env: [{ name: "XTABLES_LOCKFILE", value: lockFile }],
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" }, // Docker's and containerd's let iptables work
    },
  };
}
