// Limits the rate of requests, over all workers of a proxy. See ../README.md.
import { Config, Counter, HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { Limit } from "./limit";

class RateLimit extends Plugin {
  by: string = "";
  limit: Limit | null = null;
  refused: Counter = new Counter("rate_limit_refused_total");

  onConfigure(config: Config): void {
    const settings = config.read<Settings>();
    this.by = settings.by;
    this.limit = new Limit(settings);
  }

  createHttpContext(): HttpContext {
    return new RateLimitStream(this);
  }
}

class RateLimitStream extends HttpContext {
  constructor(private plugin: RateLimit) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const by = this.plugin.by;
    const whose = by.length ? this.requestHeaders.get(by) : null;
    const seconds = this.plugin.limit!.take(whose == null ? "" : whose);
    if (!seconds) return HeadersAction.Continue;
    this.plugin.refused.increment();
    const headers = [["retry-after", seconds.toString()]];
    this.sendLocalReply({ status: 429, headers, body: "too many requests", details: "rate_limit" });
    return HeadersAction.StopIteration;
  }
}

registerPlugin(() => new RateLimit());
