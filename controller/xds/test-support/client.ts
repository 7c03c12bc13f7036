import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Client, type ClientDuplexStream, credentials, type StatusObject } from "@grpc/grpc-js";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { messageBytesMax } from "../outbox.ts";

/** `sidecar~10.0.0.7~<name>~shop.svc.cluster.local` */
export function sidecar(name = "web-1"): { readonly id: string } {
  return { id: `sidecar~10.0.0.7~${name}.shop~shop.svc.cluster.local` };
}

/** A delta ADS stream over real gRPC. */
export class TestClient {
  readonly responses: DeltaDiscoveryResponse[] = [];
  /** How the stream ended; absent while it lives. */
  status: StatusObject | undefined;
  readonly call: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
  readonly #client: Client;

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": messageBytesMax,
      "grpc.use_local_subchannel_pool": 1,
    });
    this.call = this.#client.makeBidiStreamRequest(
      "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
      (message: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)),
      (bytes: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
    );
    this.call.on("data", (response: DeltaDiscoveryResponse) => this.responses.push(response));
    this.call.on("status", (status: StatusObject) => {
      this.status = status;
    });
    this.call.on("error", () => undefined); // told by status
  }

  say(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    this.call.write(create(DeltaDiscoveryRequestSchema, request));
  }

  close(): void {
    this.call.cancel();
    this.#client.close();
  }
}
