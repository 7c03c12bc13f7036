// The xDS server: Envoy's aggregated discovery service, delta variant, on gRPC without TLS.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials, type ServerDuplexStream, status } from "@grpc/grpc-js";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import { Connection, type ProxyState, type XdsOptions } from "./connection.ts";
import { parseNode } from "./node.ts";
import { messageBytesMax } from "./outbox.ts";

type Call = ServerDuplexStream<DeltaDiscoveryRequest, Uint8Array>;

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
 * Serves CDS, EDS, LDS, RDS and ECDS to any number of Envoys. A stream whose node is not one of the mesh's is refused
 * with INVALID_ARGUMENT and what is wrong with it.
 */
export class XdsServer {
  readonly #options: XdsOptions;
  readonly #server: Server;
  readonly #calls = new Map<Call, Connection | undefined>();
  #connections = 0;

  constructor(options: XdsOptions) {
    this.#options = options;
    this.#server = new Server({
      "grpc.max_receive_message_length": messageBytesMax,
      "grpc.max_send_message_length": messageBytesMax,
      // A proxy whose host is gone closes no connection: without pings it would be listed for ever.
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
    });
    this.#server.addService(service, { DeltaAggregatedResources: (call: Call) => this.#serve(call) });
  }

  /**
   * @param address `127.0.0.1:15010`; port 0: any free one
   * @returns the port
   * @throws where the address cannot be had
   */
  listen(address: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(new Error(`xDS cannot listen on ${address}: ${error.message}`, { cause: error }));
      });
    });
  }

  /** Computes anew what every proxy should have and sends the difference. To a slow one later: the state of then. */
  push(): void {
    for (const connection of this.#calls.values()) connection?.push();
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
    let isOver = false;
    this.#calls.set(call, undefined);
    call.on("data", (request: DeltaDiscoveryRequest) => {
      if (isOver) return;
      connection ??= this.#connect(call, request);
      connection?.receive(request);
    });
    const leave = (): void => {
      isOver = true;
      this.#calls.delete(call);
      connection?.end();
    };
    call.on("end", () => call.end());
    for (const last of ["end", "cancelled", "error", "close"]) call.on(last, leave);
  }

  /** Takes in a proxy by the node of its first request; ends the call and returns `undefined` where that cannot be. */
  #connect(call: Call, { node }: DeltaDiscoveryRequest): Connection | undefined {
    const parsed = node === undefined ? { problem: "the first request of a stream has no node" } : parseNode(node);
    if ("problem" in parsed) {
      this.#options.log.warn(`xDS stream of ${call.getPeer()} refused: ${parsed.problem}`);
      call.emit("error", { code: status.INVALID_ARGUMENT, details: parsed.problem });
      return undefined;
    }
    const connection = new Connection({
      ...this.#options,
      connection: ++this.#connections,
      proxy: parsed.proxy,
      write: (message, done) => call.write(message, done),
    });
    this.#calls.set(call, connection);
    return connection;
  }
}
