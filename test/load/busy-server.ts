// A server that can do only so much: it takes requests one after the other, and who has waited too long is answered 503
// when it is their turn, so the work was in vain. That is what retries make worse than it was.
import type { IncomingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { startUpstream } from "../support/upstream.ts";

/** How long a request may wait for its turn and still be of use. */
const patienceMs = 250;

/** Who would have to wait longer than this is answered 503 at once. */
const queueMs = 1000;

export interface BusyServer {
  readonly port: number;
  /** Share of the requests that it answers 503 at once, from 0 to 1, as where something is down that it needs. */
  failing: number;
  stop(): Promise<void>;
}

/** @param onRequest each attempt that arrives */
export async function startBusyServer(
  perSecond: number,
  onRequest: (headers: IncomingHttpHeaders) => void,
): Promise<BusyServer> {
  const workMs = 1000 / perSecond;
  let freeAtMs = 0;
  let owed = 0; // of failures: as many as the share says, evenly
  const upstream = await startUpstream(({ headers }, response) => {
    onRequest(headers);
    const nowMs = performance.now();
    const startMs = Math.max(nowMs, freeAtMs);
    owed += server.failing;
    const fails = owed >= 1;
    if (fails) owed -= 1;
    const waitMs = startMs - nowMs;
    if (fails || waitMs > queueMs) return void response.writeHead(503).end();
    freeAtMs = startMs + workMs;
    const status = waitMs > patienceMs ? 503 : 200;
    void pause(freeAtMs - nowMs).then(() => response.writeHead(status).end());
  });
  const server: BusyServer = { port: upstream.port, failing: 0, stop: () => upstream.stop() };
  return server;
}
