import type { SidecarSettings } from "./annotations.ts";
import type { Json } from "./pod.ts";

/** The step that redirects the pod's traffic: as root, with nothing but what that takes, and gone when it is done. */
export function initContainerOf(image: string, { initArgs, resources }: SidecarSettings): Json {
  return {
    name: "istio-init",
    image,
    args: ["init", ...initArgs],
    resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: false, // older iptables keep a lock file in /run
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: "RuntimeDefault" }, // Docker's and containerd's let iptables work
    },
  };
}
