// The xDS server: Envoy's aggregated discovery service, delta variant, on gRPC.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { AdmissionRefusal, Admitted } from "../model/admission.ts";
import { type Identity, spiffeId } from "../model/identity.ts";
import { type Proxy, proxyName } from "../model/proxy.ts";
import { Connection, type ProxyState, type XdsOptions } from "./connection.ts";
import { parseNode } from "./node.ts";
import { messageBytesMax } from "./outbox.ts";
import { peerText } from "./peer-text.ts";
import { Refusals } from "./refusals.ts";
import { RenewedCredentials, type ServingCertificate } from "./tls.ts";

type Call = ServerDuplexStream<DeltaDiscoveryRequest, Uint8Array>;

interface Refusal extends Omit<AdmissionRefusal, "code"> {
  readonly code: AdmissionRefusal["code"] | "INVALID_ARGUMENT";
  /** Absent where its node says nothing that could be believed. */
  readonly proxy?: Proxy;
}

/** What a proxy may say in one message, which it may before it has proven anything: thousands of names fit in. */
const requestBytesMax = 8 << 20;

/** How long a stream may be open before it says whose it is, in ms: Envoy does so at once. */
const firstRequestMsMax = 15_000;

/** How long close() waits for proxies to take what was written for them. */
const closeMsMax = 2000;

/** envoy/service/discovery/v3/ads.proto. Responses are encoded by the caller, so that proxies can share the encoding. */
const service = {
  DeltaAggregatedResources: {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(DeltaDiscoveryRequestSchema, bytes),
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    responseDeserialize: (bytes: Buffer): DeltaDiscoveryResponse => fromBinary(DeltaDiscoveryResponseSchema, bytes),
  },
} as const;

/**
 * Serves CDS, EDS, LDS, RDS, ECDS and SDS to any number of Envoys. A stream whose node is not one of the mesh's is refused
 * with INVALID_ARGUMENT and what is wrong with it; one whose proxy is not admitted, or that asks for a secret that is not
 * its own, with the status that says so. So is, a while later, one whose pod goes.
 */
export class XdsServer {
  readonly #options: XdsOptions;
  readonly #server: Server;
  readonly #refusals: Refusals;
  readonly #calls = new Map<Call, Connection | undefined>();
  #connections = 0;

  constructor(options: XdsOptions) {
    this.#options = options;
    this.#refusals = new Refusals(options);
    this.#server = new Server({
      "grpc.max_receive_message_length": requestBytesMax,
      "grpc.max_send_message_length": messageBytesMax,
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
  listen(address: string, certificate?: ServingCertificate): Promise<number> {
    const credentials =
      certificate === undefined ? ServerCredentials.createInsecure() : new RenewedCredentials(certificate);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(new Error(`xDS cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
    });
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
    for (const call of this.#calls.keys()) call.end();
    const stopWaiting = this.#options.clock.after(closeMsMax, () => this.#server.forceShutdown());
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    stopWaiting();
  }

  #serve(call: Call): void {
    let connection: Connection | undefined;
    let cancelEnd: (() => void) | undefined;
    let isOver = false;
    this.#calls.set(call, undefined);
    const cancelWait = this.#options.clock.after(firstRequestMsMax, () => {
      const message = `no request within ${firstRequestMsMax / 1000} s`;
      this.#refuse(call, { code: "UNAUTHENTICATED", message });
    });
    const leave = (): void => {
      isOver = true;
      cancelWait();
      cancelEnd?.();
      this.#calls.delete(call);
      connection?.end();
    };
    call.on("data", (request: DeltaDiscoveryRequest) => {
      if (isOver || call.writableEnded) return;
      cancelWait();
      if (connection !== undefined) {
        connection.receive(request);
        return;
      }
      call.pause(); // what comes meanwhile waits in order, and gRPC's flow control keeps it few
      void this.#admit(call, request).then((admitted) => {
        if (admitted === undefined || isOver || call.writableEnded) return;
        connection = this.#connect(call, admitted);
        cancelEnd = this.#at(admitted.untilMs, () => {
          leave(); // nothing may be written behind the end
          call.end();
        });
        connection.receive(request);
        call.resume();
      });
    });
    call.on("end", () => call.end());
    for (const last of ["end", "cancelled", "error", "close"]) call.on(last, leave);
  }

  /** Decides by a stream's first request; ends the call and resolves with `undefined` where it is not served. */
  async #admit(call: Call, { node }: DeltaDiscoveryRequest): Promise<Admitted | undefined> {
    const parsed = node === undefined ? { problem: "the first request of a stream has no node" } : parseNode(node);
    if ("problem" in parsed) {
      this.#refuse(call, { code: "INVALID_ARGUMENT", message: parsed.problem });
      return undefined;
    }
    const [authorization] = call.metadata.get("authorization");
    const token = /^Bearer (.+)$/i.exec(String(authorization))?.[1];
    const { proxy } = parsed;
    const admission = await this.#options.admit({ proxy, token }).catch((error: unknown) => {
      this.#options.log.error(`${proxyName(proxy)}: whether it is served could not be decided: ${error}`);
      return { code: "UNAVAILABLE", message: "internal error" } as const;
    });
    if ("proxy" in admission) return admission;
    this.#refuse(call, { ...admission, proxy });
    return undefined;
  }

  #connect(call: Call, { proxy, identity, isStanding }: Admitted): Connection {
    const connection = new Connection({
      ...this.#options,
      connection: ++this.#connections,
      proxy,
      identity,
      isStanding,
      write: (message, done) => call.write(message, done),
      refuse: (refusal) => this.#refuse(call, { ...refusal, proxy }),
    });
    this.#calls.set(call, connection);
    return connection;
  }

  /** @returns what prevents it; `undefined` where it never comes */
  #at(timeMs: number, run: () => void): (() => void) | undefined {
    const { clock } = this.#options;
    return timeMs === Number.POSITIVE_INFINITY ? undefined : clock.after(timeMs - clock.nowMs(), run);
  }

  #refuse(call: Call, { code, message, proxy }: Refusal): void {
    const who = proxy === undefined ? "" : `${proxyName(proxy)}: `;
    this.#refusals.tell(call.getPeer(), `${who}${code}: ${message}`);
    call.emit("error", { code: status[code], details: peerText(message) });
  }
}
