// A filter that does with bodies and trailers what the path says; driven by the tests beside it.
import {
  DataAction,
  HeadersAction,
  HttpContext,
  log,
  Plugin,
  registerPlugin,
  TrailersAction,
} from "@sluice/sdk/assembly";

class Bodies extends Plugin {
  held: BodiesStream | null = null;

  onTick(): void {
    const held = this.held;
    this.held = null;
    if (held != null) held.release();
  }

  createHttpContext(): HttpContext {
    return new BodiesStream(this);
  }
}

class BodiesStream extends HttpContext {
  private path: string = "";

  constructor(private plugin: Bodies) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path");
    this.path = path == null ? "" : path;
    return HeadersAction.Continue;
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    const body = this.requestBody;
    log.info(
      "request " + size.toString() + " " + body.size.toString() + " " + body.text() + (endOfStream ? " end" : ""),
    );
    if (this.path == "/edit") this.edit();
    if (this.path == "/drop") return DataAction.StopIterationNoBuffer;
    if (this.path == "/refuse") this.sendLocalReply({ status: 403, body: "not " + body.text() });
    if (this.path == "/tick" || (this.path == "/whole" && !endOfStream)) {
      this.plugin.held = this;
      this.plugin.setTickPeriod(10);
      return DataAction.StopIterationAndBuffer;
    }
    if (this.path == "/trailers" && endOfStream) log.info(this.requestTrailers.set("x-sum", "3").toString());
    return DataAction.Continue;
  }

  onRequestTrailers(): TrailersAction {
    const sum = this.requestTrailers.get("x-sum");
    log.info("request trailers " + (sum == null ? "none" : sum));
    if (this.path == "/whole") this.requestTrailers.set("x-sum", "whole");
    return TrailersAction.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    const body = this.responseBody;
    if (this.path == "/upper" && size) body.replaceText(body.text().toUpperCase());
    return DataAction.Continue;
  }

  onResponseTrailers(): TrailersAction {
    this.responseTrailers.add("x-seen", this.path);
    return TrailersAction.Continue;
  }

  onLog(): void {
    const sum = this.responseTrailers.get("x-sum");
    log.info("log " + (sum == null ? "none" : sum) + " " + this.requestBody.size.toString());
  }

  /** What the tick does with a held body. */
  release(): void {
    log.info("tick " + this.requestBody.text());
    this.requestBody.appendText(" released");
    this.continueRequest();
  }

  private edit(): void {
    const body = this.requestBody;
    const bytes = new Uint8Array(1);
    bytes[0] = 0xff;
    body.drain(2);
    body.prepend(bytes);
    body.prependText("é");
    body.append(bytes);
    body.appendText("!");
    log.info(body.bytes(2, 3).toString() + " " + body.bytes(100).length.toString());
    const all = body.bytes();
    body.replace(all.subarray(1));
    body.prepend(all.subarray(0, 1));
  }
}

registerPlugin(() => new Bodies());
