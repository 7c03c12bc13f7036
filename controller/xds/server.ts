// The xDS server: Envoy's aggregated discovery service, delta variant, on gRPC.
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { AdmissionRefusal, Admitted } from "../model/admission.ts";
import { type Identity, spiffeId } from "../model/identity.ts";
import { type Proxy, proxyName } from "../model/proxy.ts";
import { arrivalLimits } from "./arrivals.ts";
import { Connection, type ProxyState, type XdsOptions } from "./connection.ts";
import { FairLimiter } from "./limiter.ts";
import { type Listener, listen } from "./listener.ts";
import { messageBytesMax } from "./outbox.ts";
import { PeerLog } from "./peer-log.ts";
import { peerText } from "./peer-text.ts";
import { decodeRequest, proxyOf, service } from "./service.ts";
import { RenewedCredentials, type ServingCertificate } from "./tls.ts";

type Call = ServerDuplexStream<Uint8Array, Uint8Array>;

interface Refusal extends Omit<AdmissionRefusal, "code"> {
  readonly code: AdmissionRefusal["code"] | "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED";
  /** Absent where its node says nothing that could be believed. */
  readonly proxy?: Proxy;
  /** For the log only. */
  readonly cause?: unknown;
}

/** What a proxy may say in one message: 15,000 names with their versions fit in. */
const requestBytesMax = 4 << 20;

/** How long a stream may take to say whose it is, in ms, once that is heard: Envoy does so at once. */
const firstRequestMsMax = 5000;

/** Streams of one connection. Envoy has one, and around a reconnect two. */
const streamsPerConnectionMax = 8;

/** How long close() waits for proxies to take what was written for them. */
const closeMsMax = 2000;

/**
 * Serves CDS, EDS, LDS, RDS, ECDS and SDS to any number of Envoys. A stream whose node is not one of the mesh's is refused
 * with INVALID_ARGUMENT and what is wrong with it; one whose proxy is not admitted, or that asks for a secret that is not
 * its own, with the status that says so. So is, a while later, one whose pod goes.
 */
export class XdsServer {
  readonly #options: XdsOptions;
  readonly #server: Server;
  readonly #peerLog: PeerLog;
  readonly #arrivals: FairLimiter;
  readonly #listeners: Listener[] = [];
  readonly #calls = new Map<Call, Connection | undefined>();
  #connections = 0;

  constructor(options: XdsOptions) {
    this.#options = options;
    this.#peerLog = new PeerLog(options);
    this.#arrivals = new FairLimiter(arrivalLimits, options.clock);
    this.#server = new Server({
      "grpc.max_receive_message_length": requestBytesMax,
      "grpc.max_send_message_length": messageBytesMax,
      "grpc.max_concurrent_streams": streamsPerConnectionMax,
      // A proxy whose host is gone closes no connection: without pings it would be listed for ever.
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
    });
    this.#server.addService(service, { DeltaAggregatedResources: (call: Call) => this.#serve(call) });
  }

  /**
   * @param address `127.0.0.1:15010`; port 0: any free one
   * @param certificate absent: without TLS
   * @returns the port
   * @throws where the address cannot be had
   */
  async listen(address: string, certificate?: ServingCertificate): Promise<number> {
    const credentials =
      certificate === undefined ? ServerCredentials.createInsecure() : new RenewedCredentials(certificate);
    const connections = this.#server.createConnectionInjector(credentials);
    try {
      const listener = await listen({
        address,
        onConnection: (socket) => connections.injectConnection(socket),
        onCut: (peer, why) => this.#peerLog.warn(peer, `xDS connection of ${peer} refused: ${why}`),
      });
      this.#listeners.push(listener);
      return listener.port;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`xDS cannot listen on ${address}: ${why}`, { cause: error });
    }
  }

  /**
   * Computes anew what proxies should have and sends the difference. To a slow one later: the state of then. Must be called
   * whenever a pod comes or goes, too: a proxy whose pod is gone for a minute is let go.
   *
   * @param identities whose; absent: all
   */
  push(identities?: readonly Identity[]): void {
    const names = identities && new Set(identities.map(spiffeId));
    for (const connection of this.#calls.values()) {
      if (connection !== undefined && names?.has(spiffeId(connection.identity)) !== false) connection.push();
    }
  }

  /** Whether a proxy with this identity is connected. */
  serves(identity: Identity): boolean {
    const name = spiffeId(identity);
    return [...this.#calls.values()].some((one) => one !== undefined && spiffeId(one.identity) === name);
  }

  /** The connected proxies, in the order in which they came. */
  proxies(): readonly ProxyState[] {
    return [...this.#calls.values()].flatMap((connection) => (connection === undefined ? [] : [connection.state()]));
  }

  /** Ends all streams and stops. Envoys go on with what they have and look for a server again within 0.5 s. */
  async close(): Promise<void> {
    const closed = this.#listeners.map((listener) => listener.close());
    for (const call of this.#calls.keys()) call.end();
    const stopWaiting = this.#options.clock.after(closeMsMax, () => {
      this.#server.forceShutdown();
      for (const listener of this.#listeners) listener.cut();
    });
    await Promise.all([...closed, new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()))]);
    stopWaiting();
    this.#peerLog.close();
  }

  async #serve(call: Call): Promise<void> {
    const over = this.#untilOver(call);
    const peer = addressOf(call);
    const endTurn = await this.#arrivals.turn(peer, over);
    if (endTurn === undefined) {
      const message = `too many streams wait to be admitted, in all or from ${peer}: come again later`;
      if (!over.aborted) this.#refuse(call, { code: "RESOURCE_EXHAUSTED", message });
      return;
    }
    const first = await this.#first(call, over);
    const admitted = first && (await this.#admit(call, first));
    endTurn(admitted === undefined ? "failed" : "done");
    if (!first || !admitted || over.aborted || call.writableEnded) return;
    const connection = this.#connect(call, admitted, over);
    this.#receive(call, connection, first);
    call.on("data", (request: Uint8Array) => {
      if (!over.aborted && !call.writableEnded) this.#receive(call, connection, request);
    });
    call.resume();
  }

  /** Aborts when the call is over. */
  #untilOver(call: Call): AbortSignal {
    const over = new AbortController();
    this.#calls.set(call, undefined);
    over.signal.addEventListener("abort", () => this.#calls.delete(call));
    call.on("end", () => call.end());
    for (const last of ["end", "cancelled", "error", "close"]) call.on(last, () => over.abort());
    return over.signal;
  }

  /** The first request, behind which the call pauses; `undefined` where none comes in time. */
  #first(call: Call, over: AbortSignal): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const cancelWait = this.#options.clock.after(firstRequestMsMax, () => {
        const message = `no request within ${firstRequestMsMax / 1000} s`;
        this.#refuse(call, { code: "UNAUTHENTICATED", message });
      });
      const settle = (first?: Uint8Array): void => {
        cancelWait();
        resolve(first);
      };
      over.addEventListener("abort", () => settle());
      call.once("data", (first: Uint8Array) => {
        call.pause(); // what comes meanwhile waits in order, and gRPC's flow control keeps it few
        settle(first);
      });
      if (over.aborted) settle();
    });
  }

  #receive(call: Call, connection: Connection, bytes: Uint8Array): void {
    const request = decodeRequest(bytes);
    if (request !== undefined) connection.receive(request);
    else this.#refuse(call, { code: "INVALID_ARGUMENT", message: "what was sent is no DeltaDiscoveryRequest" });
  }

  /** Decides by a stream's first request; ends the call and resolves with `undefined` where it is not served. */
  async #admit(call: Call, first: Uint8Array): Promise<Admitted | undefined> {
    const parsed = proxyOf(first);
    if ("problem" in parsed) {
      this.#refuse(call, { code: "INVALID_ARGUMENT", message: parsed.problem });
      return undefined;
    }
    const [authorization] = call.metadata.get("authorization");
    const token = /^Bearer (.+)$/i.exec(String(authorization))?.[1];
    const { proxy } = parsed;
    const admission = await this.#options
      .admit({ proxy, token })
      .catch((cause: unknown) => ({ code: "UNAVAILABLE", message: "internal error", cause }) as const);
    if ("proxy" in admission) return admission;
    this.#refuse(call, { ...admission, proxy });
    return undefined;
  }

  #connect(call: Call, { proxy, identity, isStanding, untilMs }: Admitted, over: AbortSignal): Connection {
    const connection = new Connection({
      ...this.#options,
      connection: ++this.#connections,
      proxy,
      identity,
      isStanding,
      warn: (text) => this.#peerLog.warn(addressOf(call), text),
      write: (message, done) => call.write(message, done),
      refuse: (refusal) => this.#refuse(call, { ...refusal, proxy }),
    });
    this.#calls.set(call, connection);
    const cancelEnd = this.#at(untilMs, () => {
      this.#calls.delete(call);
      connection.end(); // nothing may be written behind the end
      call.end();
    });
    over.addEventListener("abort", () => {
      cancelEnd?.();
      connection.end();
    });
    return connection;
  }

  /** @returns what prevents it; `undefined` where it never comes */
  #at(timeMs: number, run: () => void): (() => void) | undefined {
    const { clock } = this.#options;
    return timeMs === Number.POSITIVE_INFINITY ? undefined : clock.after(timeMs - clock.nowMs(), run);
  }

  #refuse(call: Call, { code, message, proxy, cause }: Refusal): void {
    const peer = addressOf(call);
    const who = proxy === undefined ? "" : `${proxyName(proxy)}: `;
    const why = cause === undefined ? "" : `: ${cause}`;
    this.#peerLog.warn(peer, `xDS stream of ${peer} refused: ${who}${code}: ${message}${why}`);
    call.emit("error", { code: status[code], details: peerText(message) });
  }
}

/** Without its port. */
function addressOf(call: Call): string {
  return call.getPeer().replace(/:\d+$/, "");
}
