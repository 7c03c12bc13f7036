// Metrics in numbers: some that the configuration asks for, and one for each path, at its request's begin or end, or for an item of a queue; driven by the tests beside it.
import {
  Config,
  Counter,
  Gauge,
  HeadersAction,
  Histogram,
  HttpContext,
  Plugin,
  Queue,
  registerPlugin,
  registerQueue,
  resolveQueue,
  setSharedData,
  takeOverMetric,
  takeOverMetrics,
} from "@sluice/sdk/assembly";

class Metrics extends Plugin {
  readonly requests: Counter = new Counter("requests");

  onConfigure(config: Config): void {
    registerQueue("other");
    if (config.bool("takeOver").or(false)) takeOverMetrics();
    const name = config.string("name").or("metric");
    const count = config.integer("count").or(0);
    for (let i: i64 = 0; i < count; i++) new Counter(name.replace("#", i.toString())).increment();
  }

  onQueueReady(queue: Queue): void {
    if (!takeOverMetric(queue)) new Counter("item." + queue.dequeueText()!).increment();
  }

  createHttpContext(): HttpContext {
    return new MetricsStream();
  }
}

class MetricsStream extends HttpContext {
  private path: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path")!;
    this.path = path;
    if (path == "/trap") unreachable();
    const name = path.substring(3);
    if (path.startsWith("/q/")) resolveQueue("", "other")!.enqueueText(name);
    if (path.startsWith("/n/")) setSharedData("sluice/metrics/2/0", fromHex(name));
    if (path.startsWith("/c/")) new Counter(name).increment();
    if (path.startsWith("/g/")) new Gauge(name).set(7);
    if (path.startsWith("/h/")) new Histogram(name).record(5);
    return HeadersAction.Continue;
  }

  onLog(): void {
    if (this.path.startsWith("/l/")) new Counter(this.path.substring(3)).increment();
  }
}

function fromHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  for (let i = 0; i < bytes.length; i++) bytes[i] = <u8>parseInt(text.substr(i << 1, 2), 16);
  return bytes;
}

registerPlugin(() => new Metrics());
