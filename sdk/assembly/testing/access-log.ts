// An access logger: what it can read of a request that is over, as lines of the log; driven by test/envoy/access-log.test.ts.
// As a filter it leaves something for it to read.
import { HeaderMap, HeadersAction, HttpContext, log, Plugin, registerPlugin } from "@sluice/sdk/assembly";

class AccessLog extends Plugin {
  createHttpContext(): HttpContext {
    return new Stream();
  }

  onLog(): void {
    log.info("path " + text(this.properties.string("request.path")));
    log.info("request " + names(this.requestHeaders));
    log.info("response " + text(this.responseHeaders.get(":status")) + " " + names(this.responseHeaders));
    log.info("trailers " + names(this.responseTrailers));
    log.info("write " + this.responseHeaders.set("x-late", "1").toString());
    log.info("code " + this.properties.i64("response.code", -1).toString());
    log.info("details " + text(this.properties.string("response.code_details")));
    log.info("duration " + (this.properties.i64("request.duration", -1) > 0).toString());
    log.info("bytes " + this.properties.i64("response.size", -1).toString());
    log.info("cluster " + text(this.properties.string("xds.cluster_name")));
    log.info("state " + text(this.filterState.get("k")));
    log.info("source " + (this.properties.string("source.address") != null).toString());
  }
}

class Stream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.filterState.set("k", "of a filter");
    return HeadersAction.Continue;
  }
}

function names(map: HeaderMap): string {
  const pairs = map.entries();
  const all: string[] = [];
  for (let i = 0; i < pairs.length; i++) all.push(pairs[i].name);
  return all.join(",");
}

function text(value: string | null): string {
  return value == null ? "null" : value;
}

registerPlugin(() => new AccessLog());
