// A filter whose requests each do what would crash Envoy, named by the path: the SDK refuses it, and they go on.
import {
  DataAction,
  HeadersAction,
  HttpContext,
  log,
  Plugin,
  registerPlugin,
  TrailersAction,
} from "@sluice/sdk/assembly";

class Guards extends Plugin {
  over: GuardedStream | null = null;
  held: GuardedStream | null = null;

  createHttpContext(): HttpContext {
    return new GuardedStream(this);
  }

  onTick(): void {
    this.setTickPeriod(0);
    const held = this.held;
    this.held = null;
    if (held != null) log.info("tick " + held.responseBody.text() + held.continueResponse().toString());
  }
}

class GuardedStream extends HttpContext {
  private path: string = "";

  constructor(private plugin: Guards) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.path = this.requestHeaders.get(":path")!;
    if (this.path == "/request-twice") log.info("request " + this.continueRequest().toString());
    if (this.path == "/no-response") log.info("response " + this.continueResponse().toString());
    if (this.path == "/request-stop") {
      this.continueRequest();
      return HeadersAction.StopIteration;
    }
    const over = this.plugin.over;
    if (this.path == "/another's" && over != null) {
      over.sendLocalReply({ status: 500 });
      over.reset();
      over.responseHeaders.set("x-over", "1");
      over.requestHeaders.set("x-over", "1");
      log.info("over " + (over.requestHeaders.get(":path") == null).toString());
      this.requestHeaders.set("x-mine", "1");
    }
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.path == "/response-twice") log.info("response " + this.continueResponse().toString());
    if (this.path == "/response-stop") {
      this.continueResponse();
      return HeadersAction.StopIteration;
    }
    if (this.path != "/held-headers") return HeadersAction.Continue;
    return this.hold();
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    if (this.path != "/body-stop") return DataAction.Continue;
    this.continueRequest();
    return DataAction.StopIterationAndBuffer;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    if (this.path != "/held-body") return DataAction.Continue;
    this.hold();
    return DataAction.StopIterationAndWatermark;
  }

  onResponseTrailers(): TrailersAction {
    if (this.path != "/held-trailers") return TrailersAction.Continue;
    this.hold();
    return TrailersAction.StopIteration;
  }

  onLog(): void {
    if (this.path == "/end") this.end("log");
    this.plugin.over = this;
  }

  onDone(): void {
    if (this.path == "/end") this.end("done");
  }

  onDelete(): void {
    if (this.path == "/end") this.end("delete");
  }

  private end(where: string): void {
    const reply = this.sendLocalReply({ status: 500 });
    const reset = this.reset();
    const header = this.responseHeaders.set("x-late", "1");
    log.info(where + " " + reply.toString() + " " + reset.toString() + " " + header.toString());
  }

  private hold(): HeadersAction {
    this.plugin.held = this;
    this.plugin.setTickPeriod(10);
    return HeadersAction.StopIteration;
  }
}

registerPlugin(() => new Guards());
