// Asks a gRPC service, before a request passes, whether its client has any quota left. See ../README.md.
import {
  Config,
  GrpcCall,
  GrpcCallHandler,
  HeadersAction,
  HttpContext,
  log,
  Plugin,
  registerPlugin,
  Status,
} from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { encodeTakeRequest, TakeResponse } from "./quota";

class GrpcQuota extends Plugin {
  private settings: Settings | null = null;

  onConfigure(config: Config): void {
    this.settings = config.read<Settings>();
  }

  createHttpContext(): HttpContext {
    return new GrpcQuotaStream(this.settings!);
  }
}

class GrpcQuotaStream extends HttpContext {
  /** For the response; -1: not known. */
  remaining: i64 = -1;

  constructor(private settings: Settings) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const settings = this.settings;
    const client = this.requestHeaders.get(settings.by);
    const call: GrpcCall = {
      cluster: settings.cluster,
      service: "shop.Quota",
      method: "Take",
      message: encodeTakeRequest(client == null ? "" : client),
      timeoutMs: <u32>(settings.timeout / 1_000_000),
    };
    if (this.grpcCall(call, new Answer(this)) == Status.Ok) return HeadersAction.StopIteration;
    log.warn("there is no cluster " + settings.cluster);
    if (settings.failOpen) return HeadersAction.Continue;
    this.refuse();
    return HeadersAction.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.remaining >= 0) this.responseHeaders.set("x-quota-remaining", this.remaining.toString());
    return HeadersAction.Continue;
  }

  answer(response: TakeResponse): void {
    this.remaining = response.remaining;
    if (response.allowed) this.continueRequest();
    else this.sendLocalReply({ status: 429, body: "no quota left", details: "quota" });
  }

  failed(reason: string): void {
    log.warn("quota: " + reason);
    if (this.settings.failOpen) this.continueRequest();
    else this.refuse();
  }

  private refuse(): void {
    this.sendLocalReply({ status: 503, body: "the quota can't be asked for at the moment", details: "quota_failed" });
  }
}

/** The service's answer: a message, or a status other than 0. */
class Answer extends GrpcCallHandler {
  constructor(private stream: GrpcQuotaStream) {
    super();
  }

  onMessage(message: Uint8Array): void {
    const response = TakeResponse.decode(message);
    if (response != null) this.stream.answer(response);
    else this.stream.failed("the answer is no shop.TakeResponse");
  }

  onClose(status: u32, message: string): void {
    this.stream.failed("status " + status.toString() + " " + message);
  }
}

registerPlugin(() => new GrpcQuota());
