// A filter whose requests call a cluster, as their headers say, and answer with what came back.
import {
  Config,
  HeadersAction,
  HttpCallHandler,
  HttpCallResponse,
  HttpContext,
  log,
  Plugin,
  registerPlugin,
  Status,
} from "@sluice/sdk/assembly";

class Calls extends Plugin {
  onConfigure(config: Config): void {
    if (!config.bytes.length) return;
    this.setTickPeriod(100);
    log.info("configure: " + callRoot(this).toString());
  }

  createHttpContext(): HttpContext {
    return new CallsStream();
  }

  onTick(): void {
    this.setTickPeriod(0);
    log.info("tick: " + callRoot(this).toString());
  }
}

function callRoot(plugin: Plugin): Status {
  const headers = [
    [":method", "GET"],
    [":path", "/tick"],
    [":authority", "peer.test"],
  ];
  return plugin.httpCall({ cluster: "peer", headers, timeoutMs: 1000 }, new TickAnswer());
}

class TickAnswer extends HttpCallHandler {
  onResponse(response: HttpCallResponse): void {
    log.info("tick: " + response.status.toString() + " " + response.text());
  }
}

class CallsStream extends HttpContext {
  path: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.requestHeaders;
    const cluster = headers.get("x-cluster");
    const timeout = headers.get("x-timeout");
    const body = headers.get("x-body");
    const authority = headers.get("x-authority");
    this.path = headers.get(":path")!;
    if (this.path == "/pages") this.sendLocalReply({ status: 200, body: memory.size().toString() });
    if (cluster == null) return HeadersAction.Continue;
    const status = this.httpCall(
      {
        cluster,
        headers: [
          [":method", body == null ? "GET" : "POST"],
          [":path", this.path],
          authority == null ? ["x-no-authority", ""] : [":authority", authority],
          ["x-asked-by", "a filter"],
        ],
        body: body == null ? "" : body,
        timeoutMs: timeout == null ? 0 : <u32>I32.parseInt(timeout),
      },
      new Answer(this),
    );
    if (status == Status.Ok) return headers.has("x-go-on") ? HeadersAction.Continue : HeadersAction.StopIteration;
    this.sendLocalReply({ status: 500, body: "refused with " + status.toString() });
    return HeadersAction.StopIteration;
  }
}

class Answer extends HttpCallHandler {
  constructor(private stream: CallsStream) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    const lines: string[] = [response.status.toString()];
    const headers = response.headers.entries();
    for (let i = 0; i < headers.length; i++) {
      const name = headers[i].name;
      if (name == "date" || name == "x-envoy-upstream-service-time") continue;
      lines.push(name + ": " + headers[i].value);
    }
    const trailers = response.trailers.entries();
    for (let i = 0; i < trailers.length; i++) lines.push("trailer " + trailers[i].name + ": " + trailers[i].value);
    lines.push(response.text());
    const path = this.stream.requestHeaders.get(":path");
    lines.push("asked for " + (path == null ? "nothing that can be read" : path));
    if (this.stream.path == "/continue") {
      this.stream.requestHeaders.set("x-answer", response.status.toString());
      this.stream.continueRequest();
      return;
    }
    if (path == null) log.info(lines.join("\n"));
    else this.stream.sendLocalReply({ status: 200, body: lines.join("\n") });
  }

  onFailure(): void {
    this.stream.sendLocalReply({ status: 502, body: "broke off" });
  }
}

registerPlugin(() => new Calls());
