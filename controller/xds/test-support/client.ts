import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { messageBytesMax } from "../outbox.ts";

/** `sidecar~10.0.0.7~<name>~shop.svc.cluster.local` */
export function sidecar(name = "web-1"): { readonly id: string } {
  return { id: `sidecar~10.0.0.7~${name}.shop~shop.svc.cluster.local` };
}

export interface TestClientOptions {
  /** Sent as `authorization: Bearer <token>`. */
  readonly token?: string;
  /** PEM; absent: no TLS. */
  readonly roots?: string;
  /** Where the server is; absent: 127.0.0.1. */
  readonly host?: string;
  /** What its certificate has to name; absent: `host`. */
  readonly serverName?: string;
  /** Whose connection to share, so that what both say arrives in order; absent: its own. */
  readonly over?: TestClient;
}

/** A delta ADS stream over real gRPC. */
export class TestClient {
  readonly responses: DeltaDiscoveryResponse[] = [];
  /** How the stream ended; absent while it lives. */
  status: StatusObject | undefined;
  readonly call: ClientDuplexStream<Uint8Array, DeltaDiscoveryResponse>;
  readonly #client: Client;

  constructor(port: number, { token, roots, over, host = "127.0.0.1", serverName = host }: TestClientOptions = {}) {
    const channel = roots === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(roots));
    const metadata = new Metadata();
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    const own = {
      "grpc.max_receive_message_length": messageBytesMax,
      "grpc.use_local_subchannel_pool": 1,
      ...(serverName !== host && { "grpc.ssl_target_name_override": serverName }),
    };
    this.#client = over === undefined ? new Client(`${host}:${port}`, channel, own) : over.#client;
    this.call = this.#client.makeBidiStreamRequest(
      "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
      (message: Uint8Array) => Buffer.from(message),
      (bytes: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
      metadata,
    );
    this.call.on("data", (response: DeltaDiscoveryResponse) => this.responses.push(response));
    this.call.on("status", (status: StatusObject) => {
      this.status = status;
    });
    this.call.on("error", () => undefined); // told by status
  }

  say(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    this.sayBytes(toBinary(DeltaDiscoveryRequestSchema, create(DeltaDiscoveryRequestSchema, request)));
  }

  /** One message, whatever it is. */
  sayBytes(message: Uint8Array): void {
    this.call.write(message);
  }

  close(): void {
    this.call.cancel();
    this.#client.close();
  }
}
