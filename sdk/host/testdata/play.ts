// Drives the puppet: a script, a request, and what it said of it.
import { Host, type HostOptions, type Reply, type StreamOptions, type Upstream } from "../index.ts";
import type { RequestInit } from "../request.ts";

export interface Play {
  readonly host: Host;
  readonly reply: Reply;
  /** What the puppet logged on the workers while the request ran: `R get 0 :path -> 0 /`. */
  readonly said: readonly string[];
}

/** One request through the puppet in both chains, with Envoy's usual vm_id "v". */
export async function play(
  puppet: Uint8Array,
  script: readonly string[],
  act: { request?: RequestInit; upstream?: Upstream; stream?: StreamOptions; host?: HostOptions } = {},
): Promise<Play> {
  const host = await Host.load(puppet, { upstream: true, vmId: "v", config: script.join("\n"), ...act.host });
  const before = host.logs.length;
  const reply = host.fetch(act.request, act.upstream, act.stream);
  return { host, reply, said: host.logs.slice(before).map(({ text }) => text) };
}
