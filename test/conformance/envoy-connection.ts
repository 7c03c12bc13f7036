// Plays a script's connections through a real Envoy.
import { connect, type Socket } from "node:net";
import type { TestEnvoy } from "../support/envoy.ts";
import { end, type Move, moveText, type Seen } from "./connections.ts";
import type { EnvoyLog } from "./envoy-log.ts";
import { flagsText } from "./observation.ts";
import { End, type TcpUpstream } from "./tcp-upstream.ts";
import { tcpCluster } from "./world.ts";

export interface Through {
  readonly envoy: TestEnvoy;
  readonly log: EnvoyLog;
  readonly upstream: TcpUpstream;
  readonly port: number;
  /** Of the listener's stats. */
  readonly prefix: string;
}

/** @returns what was seen, and the caller's ip:port */
export async function playConnection(
  moves: readonly Move[],
  { envoy, log, upstream, port, prefix }: Through,
): Promise<{ readonly seen: Seen; readonly source: string }> {
  const [lines, first] = [log.accessLines.length, upstream.ends.length];
  const isOver = () => log.accessLines.length > lines;
  const server = () => upstream.ends[first];
  const connects = `cluster.${tcpCluster}.upstream_cx_total`;
  const connectsBefore = await envoy.stat(connects);
  const socket = await open(port);
  const source = `127.0.0.1:${socket.localPort}`;
  const client = new End(socket);
  /** Says whether a move has come. To be asked for before it is made. */
  const arrival = async ([by, does, until]: Move): Promise<() => boolean | Promise<boolean>> => {
    if (until === "") return () => true;
    if (typeof until === "object") return async () => (await sumOf(envoy, until.metric)) === until.sum;
    if (until !== undefined) {
      const before = log.count(until);
      return () => log.count(until) > before;
    }
    if (typeof does !== "string")
      return () => does === end && (by === "client" ? server() : client)?.seen !== undefined;
    const stat = readBytesStat(by, prefix);
    const before = await envoy.stat(stat);
    return async () => (await envoy.stat(stat)) >= before + does.length;
  };
  for (const move of moves) {
    const [by, does] = move;
    const actor = () => (by === "client" ? client : server());
    const bytes = typeof does === "object" ? does.resetsAfter : {};
    const isReady = () =>
      actor() !== undefined &&
      client.received === (bytes.client ?? client.received) &&
      server()?.received === (bytes.server ?? server()?.received);
    await envoy.waitFor(() => isOver() || isReady(), `${moveText(move)} to be possible`);
    const hasArrived = await arrival(move);
    if (isOver()) break;
    actor()?.act(does);
    await envoy.waitFor(async () => isOver() || (await hasArrived()), `${moveText(move)} to come`);
  }
  await envoy.waitFor(isOver, "the connection to be over");
  const active = `listener.${prefix}.downstream_cx_active`;
  await envoy.waitFor(async () => (await envoy.stat(active)) === 0, `${active} to be 0`);
  const made = (await envoy.stat(connects)) - connectsBefore;
  await envoy.waitFor(() => upstream.ends.length - first === made, "the upstream to have all connections");
  const seen = {
    client: await envoy.waitFor(() => client.seen, "the caller to learn of the end"),
    server: made === 0 ? "never" : await envoy.waitFor(() => server()?.seen, "the upstream to learn of the end"),
    flags: flagsText(log.accessLines[lines]?.flags.split(",") ?? []),
  } as const;
  client.destroy();
  server()?.destroy();
  return { seen, source };
}

async function sumOf(envoy: TestEnvoy, metric: string): Promise<number> {
  const text = await envoy.get(`/stats?filter=${metric}$`);
  return [...text.matchAll(/: (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
}

/** The stat that counts what Envoy has read of an end. */
function readBytesStat(by: Move[0], prefix: string): string {
  return by === "client"
    ? `tcp.${prefix}.downstream_cx_rx_bytes_total`
    : `cluster.${tcpCluster}.upstream_cx_rx_bytes_total`;
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return socket;
}
