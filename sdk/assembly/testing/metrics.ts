// Metrics in numbers: some that the configuration asks for, and one for each path; driven by the tests beside it.
import {
  Config,
  Counter,
  Gauge,
  HeadersAction,
  Histogram,
  HttpContext,
  Plugin,
  registerPlugin,
} from "@sluice/sdk/assembly";

class Metrics extends Plugin {
  readonly requests: Counter = new Counter("requests");

  onConfigure(config: Config): void {
    const name = config.string("name").or("metric");
    const count = config.integer("count").or(0);
    for (let i: i64 = 0; i < count; i++) new Counter(name.replace("#", i.toString())).increment();
  }

  createHttpContext(): HttpContext {
    return new MetricsStream();
  }
}

class MetricsStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path")!;
    if (path == "/trap") unreachable();
    const name = path.substring(3);
    if (path.startsWith("/c/")) new Counter(name).increment();
    if (path.startsWith("/g/")) new Gauge(name).set(7);
    if (path.startsWith("/h/")) new Histogram(name).record(5);
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Metrics());
