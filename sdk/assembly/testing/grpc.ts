// A filter whose requests call a gRPC service, and answer with what came back.
import {
  GrpcCallHandler,
  GrpcStreamHandler,
  HeaderMap,
  HeadersAction,
  HttpContext,
  Plugin,
  registerPlugin,
  Status,
} from "@sluice/sdk/assembly";

class Grpc extends Plugin {
  createHttpContext(): HttpContext {
    return new GrpcRequest();
  }
}

class GrpcRequest extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path")!;
    const cluster = path == "/nobody" ? "nobody" : path == "/unknown" ? "unknown" : "grpc";
    const metadata = [["x-asked-by", "a filter"]];
    const message = Uint8Array.wrap(String.UTF8.encode("hello"));
    if (path == "/stream") {
      const stream = this.grpcStream({ cluster, service: "test.Echo", method: "Stream", metadata }, new Streamed(this));
      if (stream == null) return HeadersAction.Continue;
      stream.send(message);
      stream.send(Uint8Array.wrap(String.UTF8.encode("again")), true);
      return HeadersAction.StopIteration;
    }
    const method = path == "/fail" ? "Fail" : "Call";
    const status = this.grpcCall({ cluster, service: "test.Echo", method, metadata, message }, new Called(this));
    if (status != Status.Ok) this.sendLocalReply({ status: 500, body: "refused with " + status.toString() });
    return HeadersAction.StopIteration;
  }
}

class Called extends GrpcCallHandler {
  constructor(private stream: HttpContext) {
    super();
  }

  onMessage(message: Uint8Array): void {
    this.stream.sendLocalReply({ status: 200, body: "got " + String.UTF8.decode(message.buffer) });
  }

  onClose(status: u32, message: string): void {
    this.stream.sendLocalReply({ status: 200, body: "closed with " + status.toString() + " " + message });
  }
}

class Streamed extends GrpcStreamHandler {
  lines: string[] = [];

  constructor(private stream: HttpContext) {
    super();
  }

  onInitialMetadata(metadata: HeaderMap): void {
    const value = metadata.get("x-begin");
    this.lines.push(value == null ? "no metadata" : value);
  }

  onMessage(message: Uint8Array): void {
    this.lines.push(String.UTF8.decode(message.buffer));
  }

  onTrailingMetadata(metadata: HeaderMap): void {
    const value = metadata.get("x-end");
    this.lines.push(value == null ? "no metadata" : value);
  }

  onClose(status: u32, message: string): void {
    this.lines.push(status.toString() + message);
    this.stream.sendLocalReply({ status: 200, body: this.lines.join("\n") });
  }
}

registerPlugin(() => new Grpc());
