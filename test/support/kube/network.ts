// A cluster's network. The node is a network namespace that routes: each pod and this machine hang on it by a veth of
// their own, so that all traffic passes it, there and back, and its NAT rules can stand for ClusterIPs as kube-proxy's do
// on a real node: outside the pods, behind what a sidecar's init container redirects. There is no way out of it.
import { run, script } from "./sh.ts";
import type { Slot } from "./slot.ts";

export interface PodNetwork {
  readonly ip: string;
  /** Its network namespace. */
  readonly netns: string;
  /** Kills all that runs in it, and removes it. */
  remove(): Promise<void>;
}

export class Network {
  readonly #slot: Slot;
  #pods = 0;

  private constructor(slot: Slot) {
    this.#slot = slot;
  }

  static async create(slot: Slot): Promise<Network> {
    const { name, hostIp, nodeIp, podRange, serviceRange } = slot;
    await script([
      `ip netns add ${name}`,
      `ip link add ${name} type veth peer name host netns ${name}`,
      `ip addr add ${hostIp}/32 dev ${name}`,
      `ip link set ${name} up`,
      `ip route add ${nodeIp}/32 dev ${name} src ${hostIp}`,
      `ip -n ${name} link set lo up`,
      `ip -n ${name} addr add ${nodeIp}/32 dev host`,
      `ip -n ${name} link set host up`,
      `ip -n ${name} route add ${hostIp}/32 dev host`,
      `ip route add ${podRange} via ${nodeIp} dev ${name} src ${hostIp}`,
      `ip route add ${serviceRange} via ${nodeIp} dev ${name} src ${hostIp}`,
      `ip netns exec ${name} sysctl -q -w net.ipv4.ip_forward=1`,
      // a ClusterIP that no rule translated is a Service without endpoints: refused at once, as by kube-proxy
      `ip -n ${name} route add ${serviceRange} dev host`,
      `ip netns exec ${name} iptables -A FORWARD -d ${serviceRange} -j REJECT`,
    ]);
    return new Network(slot);
  }

  async addPod(): Promise<PodNetwork> {
    const { name, nodeIp, prefix } = this.#slot;
    const n = this.#pods++;
    const netns = `${name}-${n}`;
    const [start, third] = [prefix.slice(0, prefix.lastIndexOf(".")), Number(prefix.split(".")[2])];
    const address = 10 + n; // never used again in this cluster: a late packet finds no one
    const ip = `${start}.${third + (address >> 8)}.${address & 255}`;
    await script([
      `ip netns add ${netns}`,
      `ip -n ${name} link add pod${n} type veth peer name eth0 netns ${netns}`,
      `ip -n ${name} addr add ${nodeIp}/32 dev pod${n}`, // what a pod sees where its own address had to be hidden
      `ip -n ${name} link set pod${n} up`,
      `ip -n ${name} route add ${ip}/32 dev pod${n}`,
      `ip -n ${netns} link set lo up`,
      `ip -n ${netns} addr add ${ip}/32 dev eth0`,
      `ip -n ${netns} link set eth0 up`,
      `ip -n ${netns} route add ${nodeIp}/32 dev eth0`,
      `ip -n ${netns} route add default via ${nodeIp} dev eth0`, // any address can be intercepted; the node knows no way out
    ]);
    const remove = async (): Promise<void> => {
      // at once, over and over: what is killed may just have started something
      await script([
        `while pids=$(ip netns pids ${netns}) && [ -n "$pids" ]; do kill -KILL $pids 2>/dev/null || :; done`,
        `ip netns del ${netns}`,
        `ip -n ${name} link del pod${n} 2>/dev/null || :`, // gone already with its peer, or about to
      ]);
    };
    return { ip, netns, remove };
  }

  /** Replaces the node's whole NAT table in one step. @param rules as `iptables-restore` takes them */
  async setNat(rules: string): Promise<void> {
    await run(["ip", "netns", "exec", this.#slot.name, "iptables-restore", "--table", "nat"], rules);
  }
}
