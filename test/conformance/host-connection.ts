// Plays a script's connections on the host.
import { toArray } from "../../sdk/host/bytes.ts";
import type { Connection, ConnectionEnd, ConnectOptions, Host } from "../../sdk/host/index.ts";
import { type EndName, end, type Move, type Seen, type SeenEnd } from "./connections.ts";
import { flagsText } from "./observation.ts";

/** @param pass lets some time go by, for `what` to happen; throws when it never will */
export function playOnHost(
  host: Host,
  moves: readonly Move[],
  options: ConnectOptions,
  pass: (count: number, what: string) => void,
): Seen {
  const connection = host.connect(options);
  let resetBy: EndName | undefined;
  for (const [by, does, until] of moves) {
    if (connection.isClosed) break;
    for (let i = 0; by === "server" && !connection.isConnected; i++) pass(i, "Envoy to connect");
    const isReached = reached(host, until);
    const from = connection[by];
    if (does === end) from.send("", { endStream: true });
    else if (typeof does === "string") from.send(toArray(does));
    else {
      resetBy = by;
      from.reset();
    }
    for (let i = 0; !isReached(); i++) pass(i, JSON.stringify(until));
  }
  for (let i = 0; !connection.isClosed; i++) pass(i, "the connection to be over");
  return {
    client: seenOf(connection, "client", resetBy),
    server: connection.isConnected ? seenOf(connection, "server", resetBy) : "never",
    flags: flagsText(connection.flags),
  };
}

/** Says whether what a move waits for has come. To be asked for before it is made. */
function reached(host: Host, until: Move[2]): () => boolean {
  if (typeof until === "object") {
    const names = () => host.metrics.names.filter((name) => name.endsWith(until.metric));
    return () => names().reduce((sum, name) => sum + (host.metrics.counter(name) ?? 0), 0) === until.sum;
  }
  if (!until) return () => true;
  const logged = () => host.logs.filter(({ text }) => text.includes(until)).length;
  const before = logged();
  return () => logged() > before;
}

function seenOf(connection: Connection, end: EndName, resetBy: EndName | undefined): SeenEnd {
  const { received, isReset }: ConnectionEnd = connection[end];
  return { received, closed: resetBy === end ? "itself" : isReset ? "reset" : "end" };
}
