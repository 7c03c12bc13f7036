// A filter whose requests each try one part of the SDK, named by the path, and answer with what they saw.
import {
  Config,
  Counter,
  clock,
  environment,
  Gauge,
  getSharedData,
  HeaderMap,
  HeadersAction,
  Histogram,
  HttpContext,
  Labelled,
  LogLevel,
  log,
  Plugin,
  registerPlugin,
  Status,
  setSharedData,
} from "@sluice/sdk/assembly";

class Tour extends Plugin {
  raw: string = "";
  held: TourStream[] = [];
  requests: Counter = new Counter("requests");
  level: Gauge = new Gauge("level");
  sizes: Histogram = new Histogram("sizes");
  calls: Labelled<Counter> = new Labelled<Counter>("calls", ["to", "code"]);

  onVmStart(): bool {
    log.info("the VM started");
    return true;
  }

  onConfigure(config: Config): void {
    this.raw = String.UTF8.decodeUnsafe(config.bytes.dataStart, config.bytes.byteLength);
    this.setTickPeriod(100);
  }

  onTick(): void {
    const held = this.held;
    this.held = [];
    for (let i = 0; i < held.length; i++) held[i].end();
  }

  createHttpContext(): HttpContext {
    return new TourStream(this);
  }

  createUpstreamContext(): HttpContext {
    return new TourAttempt();
  }
}

class TourStream extends HttpContext {
  private path: string = "";
  private texts: i32 = 0;

  constructor(private plugin: Tour) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path");
    this.path = path == null ? "" : path;
    if (this.path == "/through") return HeadersAction.Continue;
    if (this.path.startsWith("/held")) {
      this.plugin.held.push(this);
      return HeadersAction.StopIteration;
    }
    this.sendLocalReply({
      status: 418,
      headers: [
        ["x-part", this.path],
        ["x-part", "é"],
      ],
      body: this.visit(),
      details: "the tour",
    });
    return HeadersAction.StopIteration;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    if (this.path != "/through") return HeadersAction.Continue;
    const gone = this.requestHeaders.get(":path") == null;
    const state = this.filterState.get("tour.attempt");
    this.responseHeaders.set("x-saw", (gone ? "gone " : "there ") + (state == null ? "none" : state));
    return HeadersAction.Continue;
  }

  onLog(): void {
    if (this.path != "/through") return;
    const path = this.requestHeaders.get(":path");
    const status = this.responseHeaders.set("x-late", "1");
    log.info("log: " + (path == null ? "none" : path) + " " + status.toString());
  }

  onDone(): void {
    if (this.path == "/through") log.info("done");
  }

  onDelete(): void {
    if (this.path == "/through") log.info("deleted");
  }

  /** What the tick does with a held request. */
  end(): void {
    if (this.path == "/held/answer") this.sendLocalReply({ status: 504, grpcStatus: 4 });
    else if (this.path == "/held/reset") this.reset();
    else this.continueRequest();
  }

  private visit(): string {
    if (this.path == "/headers") return this.headers(this.requestHeaders);
    if (this.path == "/snapshot") return this.snapshot();
    if (this.path == "/properties") return this.readProperties();
    if (this.path == "/shared") return this.shared();
    if (this.path == "/metrics") return this.metrics();
    if (this.path == "/clock") return clock.monotonicNs().toString() + " " + clock.realtimeNs().toString();
    if (this.path == "/log") return this.log();
    if (this.path == "/environment") return this.environment();
    return this.plugin.raw;
  }

  private environment(): string {
    const vm = this.plugin.vmConfiguration;
    const lines = [vm.length.toString() + " " + String.UTF8.decodeUnsafe(vm.dataStart, vm.byteLength)];
    const names = ["NAME", "NAM", "EMPTY", "MISSING", ""];
    for (let i = 0; i < names.length; i++) {
      const value = environment(names[i]);
      lines.push(value == null ? "null" : '"' + value + '"');
    }
    return lines.join("\n");
  }

  private headers(headers: HeaderMap): string {
    const missing = headers.get("x-missing") == null ? "null" : "there";
    const empty = headers.get("x-empty");
    const raw = headers.getBytes("x-raw");
    headers.set("x-many", "one");
    headers.add("X-Many", "two");
    if (raw != null) headers.setBytes("x-copy", raw);
    const lines = [
      missing + " " + (empty == null ? "null" : '"' + empty + '"') + " " + headers.has("x-empty").toString(),
      headers.getAll("X-MANY").join("|"),
      raw == null ? "null" : raw.toString(),
      headers.get("x-raw")!,
      headers.getBytes("x-copy")!.toString(),
      headers.remove("x-many").toString() + " " + headers.remove("x-many").toString(),
      headers.getAll("x-many").length.toString(),
      headers
        .entries()
        .filter((pair) => pair.name == "x-raw")
        .length.toString(),
      this.responseHeaders.set("x-early", "1").toString(),
    ];
    return lines.join("\n");
  }

  private snapshot(): string {
    const headers = this.requestHeaders.snapshot();
    const size = this.properties.i64("request.total_size"); // without a body
    this.requestHeaders.set("x-many", "later");
    const empty = headers.get("x-empty");
    const raw = headers.getBytes("x-raw");
    const none = this.responseHeaders.snapshot();
    return [
      headers.get("x-missing") == null ? "null" : "there",
      empty == null ? "null" : '"' + empty + '"',
      headers.getAll("X-Many").join("|"),
      raw == null ? "null" : raw.toString(),
      headers.is("X-MANY", "b").toString() + " " + headers.is("x-many", "c").toString(),
      headers.is("x-many", "later").toString() + " " + headers.has("x-man").toString(),
      (headers.size == headers.entries().length).toString(),
      none.size.toString() + " " + none.has(":path").toString(),
      (headers.sizeBytes == <i32>size).toString() + " " + none.sizeBytes.toString(),
    ].join("\n");
  }

  private readProperties(): string {
    const properties = this.properties;
    const text = properties.string("xds.route_metadata.filter_metadata['dev.sluice'].retryOn");
    const bytes = properties.bytes("request.method");
    return [
      text == null ? "null" : text,
      (<i64>properties.f64("xds.route_metadata.filter_metadata['dev.sluice'].attempts")).toString(),
      properties.bool("connection.mtls", true).toString(),
      properties.bool("connection.nothing", true).toString(),
      properties.i64("xds.listener_direction", -1).toString(),
      properties.u64("request.nothing", 7).toString(),
      properties.u64("request.method", 8).toString(),
      properties.string("request.nothing") == null ? "null" : "there",
      bytes == null ? "null" : bytes.toString(),
      properties
        .entries("xds.node.metadata.LABELS")
        .map<string>((pair) => pair.name + ":" + pair.value)
        .join(","),
    ].join("\n");
  }

  private shared(): string {
    const before = getSharedData("tour.v1");
    const bytes = new Uint8Array(1);
    bytes[0] = before == null ? 1 : before.bytes[0] + 1;
    const first = setSharedData("tour.v1", bytes, before == null ? 0 : before.cas);
    const after = getSharedData("tour.v1")!;
    const second = setSharedData("tour.v1", bytes, after.cas + 1);
    return [
      before == null ? "null" : before.bytes.toString(),
      first.toString(),
      after.bytes.toString(),
      (second == Status.CasMismatch).toString(),
    ].join(" ");
  }

  private metrics(): string {
    const plugin = this.plugin;
    plugin.requests.increment();
    plugin.requests.increment(4);
    plugin.requests.increment(0);
    plugin.level.set(10);
    plugin.level.add(-3);
    plugin.sizes.record(512);
    plugin.calls.with(["a;.;b", "200"]).increment();
    plugin.calls.with(["a;.;b", "200"]).increment();
    plugin.calls.with(["c", "503"]).increment();
    const size = plugin.calls.size.toString();
    return plugin.requests.value.toString() + " " + plugin.level.value.toString() + " " + size;
  }

  private text(): string {
    this.texts++;
    return "text";
  }

  private log(): string {
    log.trace("trace " + this.text());
    if (this.path.length) log.debug("debug " + this.text());
    else log.debug(this.text());
    log.info("info");
    log.warn("warn: é");
    log.error("error");
    log.critical("critical");
    log.info(this.texts.toString());
    return log.logs(LogLevel.Debug).toString() + " " + log.logs(LogLevel.Info).toString();
  }
}

class TourAttempt extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const attempt = this.properties.u64("upstream.request_attempt_count").toString();
    this.filterState.set("tour.attempt", "attempt " + attempt);
    this.requestHeaders.set("x-attempt", attempt);
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Tour());
