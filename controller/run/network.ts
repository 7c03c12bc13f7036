import { networkInterfaces } from "node:os";
import { iptablesVariants } from "../init/rules.ts";
import { proxyUid } from "../model/proxy.ts";
import { type Namespaces, openNamespaces } from "./namespaces.ts";

// The pods of a run as they are on a node of Kubernetes: each in its own network namespace, with an address, a link to
// the others and rules that send what it says and hears through its Envoy.
//
//   host                        switch (a namespace)              a pod (a namespace)
//   sluice254 198.18.254.1/24 ─── uplink ┐
//                                        ├ bridge
//                                    p2 ─┴──────────────────────── eth0 198.18.254.2/24
//
// There is no route but the link, so nothing leaves the machine. The bridge stands in a namespace of its own, so that
// the host has one interface of each run, whose other end goes with the run: however that ends, nothing is left.

/** Where Envoy finds what it may read: the state folder is nobody else's, and Envoy is another user. */
export const podMount = "/run/sluice/pod";
export const envoyMount = "/run/sluice/envoy";

/** What a pod's namespaces need beside the network's. */
export interface PodSetup {
  /** Last part of the address, 2 to 254. */
  readonly number: number;
  /** What `/etc/hosts` is. Written in place, the pod sees the change. Its folder holds nothing else that the pod needs. */
  readonly hostsFile: string;
  /** The folder that becomes {@link podMount}, Envoy's own. */
  readonly folder: string;
  /** The program that becomes {@link envoyMount}. */
  readonly envoyPath: string;
}

export interface NetworkOptions {
  /** What `iptables-restore --noflush` is given for each pod. */
  readonly rules: string;
  /** Addresses that only exist inside: services'. `198.19.0.0/16` */
  readonly virtualRange: string;
}

export class Network {
  /** The host's address, for the pods. */
  readonly address: string;
  /** Of pods: all but the host's. */
  readonly numbers: readonly number[] = Array.from({ length: 253 }, (_, i) => i + 2);
  readonly #prefix: string;
  readonly #switch: Namespaces;
  readonly #options: NetworkOptions;

  private constructor(prefix: string, made: Namespaces, options: NetworkOptions) {
    this.address = `${prefix}.1`;
    this.#prefix = prefix;
    this.#switch = made;
    this.#options = options;
  }

  /**
   * Makes the network of a run: one of 198.18.1.0/24 to 198.18.254.0/24 that nobody has, the highest first.
   *
   * @throws with what this machine refuses: the right, a program, a part of the kernel
   */
  static async open(options: NetworkOptions): Promise<Network> {
    (await openNamespaces(trial, { RULES: options.rules, USER_ID: String(proxyUid) })).close();
    for (let n = 254; n >= 1; n--) {
      const prefix = `198.18.${n}`;
      if (isTaken(prefix)) continue;
      try {
        const env = { LINK: `sluice${n}`, ADDRESS: `${prefix}.1/24`, HOST: String(process.pid) };
        return new Network(prefix, await openNamespaces(switchScript, env), options);
      } catch (error) {
        if (!String(error).includes("File exists")) throw error; // another run was quicker
      }
    }
    throw new Error("198.18.1.0/24 to 198.18.254.0/24 are all in use");
  }

  addressOf(number: number): string {
    return `${this.#prefix}.${number}`;
  }

  /** Makes a pod's namespaces. @throws with what failed */
  pod({ number, hostsFile, folder, envoyPath }: PodSetup): Promise<Namespaces> {
    const { rules, virtualRange } = this.#options;
    return openNamespaces(podScript, {
      ...{ SWITCH: this.#switch.net, PORT: `p${number}`, ADDRESS: `${this.addressOf(number)}/24` },
      ...{ VIRTUAL: virtualRange, RULES: rules, HOSTS: hostsFile },
      ...{ POD: folder, ENVOY: envoyPath, POD_MOUNT: podMount, ENVOY_MOUNT: envoyMount },
    });
  }

  close(): void {
    this.#switch.close();
  }
}

/** Whether the host has an address of the network. */
function isTaken(prefix: string): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address.startsWith(`${prefix}.`)),
  );
}

const restore = iptablesVariants.map((variant) => `printf %s "$RULES" | ${variant}-restore --noflush`).join(" || ");

/** Everything that a pod will need, where it can do no harm. */
const trial = `
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2
${restore}
mount -n -t tmpfs tmpfs /run
setpriv --reuid "$USER_ID" --regid "$USER_ID" --clear-groups -- true`;

// No IPv6 address on a link: what would go there would go around the rules.
const switchScript = `
ip link add bridge type bridge
ip link set bridge up
ip link add uplink type veth peer name "$LINK" netns "$HOST"
ip link set uplink addrgenmode none || : # no IPv6 at all
ip link set uplink master bridge up
nsenter --net="/proc/$HOST/ns/net" -- sh -euc '
  ip link set "$LINK" addrgenmode none || :
  ip addr add "$ADDRESS" dev "$LINK"
  ip link set "$LINK" up'`;

// What /run is in the pod is made elsewhere and moved, because what is bound into it may stand there. mount(8) must not
// note it down (-n), since that it would do in /run.
const podScript = `
nsenter --net="$SWITCH" -- sh -euc '
  ip link add "$PORT" type veth peer name eth0 netns "$1"
  ip link set "$PORT" addrgenmode none || :
  ip link set "$PORT" master bridge up' sh $$
ip link set lo up
ip link set eth0 addrgenmode none || :
ip addr add "$ADDRESS" dev eth0
ip link set eth0 up
ip route add "$VIRTUAL" dev eth0
${restore}
mount -n --bind "$HOSTS" /etc/hosts
made="\${HOSTS%/*}"
mount -n -t tmpfs -o mode=755 tmpfs "$made"
mkdir -p "$made\${POD_MOUNT#/run}"
touch "$made\${ENVOY_MOUNT#/run}"
mount -n --bind "$POD" "$made\${POD_MOUNT#/run}"
mount -n --bind "$ENVOY" "$made\${ENVOY_MOUNT#/run}"
mount -n --move "$made" /run`;
