// Takes members out of JSON responses. See ../README.md.
import {
  Config,
  DataAction,
  HeadersAction,
  HttpContext,
  Plugin,
  parseJson,
  registerPlugin,
  TrailersAction,
} from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { removeMember } from "./members";

class JsonRewrite extends Plugin {
  private paths: string[][] = [];

  onConfigure(config: Config): void {
    this.paths = config.read<Settings>().remove.map<string[]>((path) => path.split("."));
  }

  createHttpContext(): HttpContext {
    return new JsonRewriteStream(this.paths);
  }
}

class JsonRewriteStream extends HttpContext {
  private isJson: bool = false;

  constructor(private paths: string[][]) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.requestHeaders.remove("accept-encoding"); // a body that is compressed can't be read here
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    const type = this.responseHeaders.get("content-type");
    this.isJson = !endOfStream && type != null && type.startsWith("application/json");
    if (this.isJson) this.responseHeaders.remove("content-length"); // it will be another one
    return HeadersAction.Continue;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    if (!this.isJson) return DataAction.Continue;
    if (!endOfStream) return DataAction.StopIterationAndBuffer;
    this.rewrite();
    return DataAction.Continue;
  }

  /** Where there are trailers, no `onResponseBody` is told of the end: this is it. */
  onResponseTrailers(): TrailersAction {
    if (this.isJson) this.rewrite();
    return TrailersAction.Continue;
  }

  private rewrite(): void {
    const body = parseJson(this.responseBody.text());
    if (body == null) return; // no JSON after all: it passes as it is
    for (let i = 0; i < this.paths.length; i++) removeMember(body, this.paths[i]);
    this.responseBody.replaceText(body.toString());
  }
}

registerPlugin(() => new JsonRewrite());
