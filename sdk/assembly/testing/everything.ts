// A filter that asks the host for everything that there is, with what the request brings, and goes on whatever comes. As a
// network filter it does the same with bytes. For tests in which the host fails, and those with hostile input.
import {
  Body,
  Config,
  Counter,
  callForeignFunction,
  clock,
  compress,
  DataAction,
  Duration,
  Expression,
  environment,
  FilterState,
  Gauge,
  GrpcCallHandler,
  GrpcStream,
  GrpcStreamHandler,
  getSharedData,
  HeaderMap,
  HeaderName,
  HeadersAction,
  Histogram,
  HttpCallHandler,
  HttpCallResponse,
  HttpContext,
  Labelled,
  log,
  Peer,
  Plugin,
  Properties,
  Queue,
  registerPlugin,
  registerQueue,
  resolveQueue,
  setSharedData,
  TcpAction,
  TcpContext,
  TrailersAction,
  uncompress,
} from "@sluice/sdk/assembly";

@config
class Rule {
  name: string = "";
  @range(0, 1) share: f64 = 0.5;
}

@config
class Settings {
  @range("1ms", "1h") window: Duration = "10s";
  @range(-10, 10) level: i32 = 3;
  on: bool = true;
  @oneOf("a", "b") word: string = "a";
  header: HeaderName = "x-name";
  names: string[] = [];
  labels: Map<string, string>;
  rules: Rule[];
  inner: Rule | null = null;
}

class Everything extends Plugin {
  requests: Counter = new Counter("requests");
  level: Gauge = new Gauge("level");
  sizes: Histogram = new Histogram("sizes");
  labelled: Labelled<Counter> = new Labelled<Counter>("labelled", ["value"]);
  held: HttpStream[] = [];
  connections: TcpStream[] = [];
  settings: Settings | null = null;
  queue: Queue | null = null;

  onVmStart(): bool {
    const home = environment("HOME");
    log.info("started " + this.vmConfiguration.length.toString() + (home == null ? "" : home));
    return true;
  }

  onConfigure(config: Config): void {
    this.settings = config.read<Settings>();
    this.queue = registerQueue("work");
    this.setTickPeriod(10);
  }

  onTick(): void {
    const held = this.held;
    this.held = [];
    for (let i = 0; i < held.length; i++) held[i].release();
    const connections = this.connections;
    this.connections = [];
    for (let i = 0; i < connections.length; i++) connections[i].continueDownstream();
    this.httpCall({ cluster: "peer", headers: callHeaders("/tick"), timeoutMs: 5 }, new Answered(null));
  }

  onQueueReady(queue: Queue): void {
    const bytes = queue.dequeue();
    const text = queue.dequeueText();
    log.debug("took " + (bytes == null ? 0 : bytes.length).toString() + (text == null ? "" : text));
  }

  /** A VM with a configuration puts its end off, and then ends at once. */
  onDone(): bool {
    if (this.vmConfiguration.length) this.done();
    return !this.vmConfiguration.length;
  }

  createHttpContext(): HttpContext {
    return new HttpStream(this);
  }

  createUpstreamContext(): HttpContext {
    return new HttpStream(this, true);
  }

  createTcpContext(): TcpContext {
    return new TcpStream(this);
  }
}

class HttpStream extends HttpContext {
  path: string = "";
  grpc: GrpcStream | null = null;

  constructor(
    private plugin: Everything,
    private isUpstream: bool = false,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.requestHeaders;
    this.path = orEmpty(headers.get(":path"));
    const text = orEmpty(headers.get("x-text"));
    const bytes = headers.getBytes("x-text");
    const message = bytes == null ? new Uint8Array(3) : bytes;
    useHeaders(headers, text);
    useProperties(this.properties, this.filterState, text);
    use(this.plugin, text, message);
    this.clearRouteCache();
    if (this.path.startsWith("/call")) {
      this.httpCall({ cluster: "peer", headers: callHeaders(this.path), body: text, timeoutMs: 5 }, new Answered(this));
      return this.hold();
    }
    if (this.path.startsWith("/grpc")) {
      const metadata = [["x-text", text]];
      this.grpcCall({ cluster: "grpc", service: "s", method: this.path, metadata, message }, new Heard(this));
      const stream = this.grpcStream({ cluster: "grpc", service: "s", method: "Stream", metadata }, new Heard(this));
      this.grpc = stream;
      if (stream != null) {
        stream.send(message);
        if (this.path == "/grpc/cancel") stream.cancel();
        else if (this.path == "/grpc/close") stream.close();
        else stream.send(message, true);
      }
      return this.hold();
    }
    if (this.path.startsWith("/hold")) return this.hold();
    if (this.path == "/reply") {
      this.sendLocalReply({ status: 418, headers: [["x-text", text]], body: text, details: text, grpcStatus: 3 });
      return HeadersAction.StopIteration;
    }
    if (this.path == "/reset" && !this.isUpstream) {
      this.reset();
      return HeadersAction.StopIteration;
    }
    if (this.path == "/cel") {
      const expression = Expression.compile(text);
      if (expression != null) {
        expression.string();
        expression.bool();
        expression.entries();
        expression.delete();
      }
      this.filterState.setEnvoyObject("envoy.string", this.path);
    }
    return HeadersAction.Continue;
  }

  /** Until the next tick, or an answer. */
  hold(): HeadersAction {
    this.plugin.held.push(this);
    return HeadersAction.StopIteration;
  }

  release(): void {
    if (this.path == "/hold/response") this.continueResponse(); // before there is one
    if (this.path == "/hold/reply") this.sendLocalReply({ status: 503 });
    else if (this.path == "/hold/reset" && !this.isUpstream) this.reset();
    else this.continueRequest();
  }

  onRequestBody(size: u32, endOfStream: bool): DataAction {
    return useBody(this.requestBody, this.path, endOfStream);
  }

  onRequestTrailers(): TrailersAction {
    useHeaders(this.requestTrailers, this.path);
    return TrailersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    useHeaders(this.responseHeaders, this.path);
    useProperties(this.properties, this.filterState, "response.code");
    if (this.path != "/hold/response") return HeadersAction.Continue;
    this.continueResponse();
    return HeadersAction.StopIteration;
  }

  onResponseBody(size: u32, endOfStream: bool): DataAction {
    return useBody(this.responseBody, this.path, endOfStream);
  }

  onResponseTrailers(): TrailersAction {
    useHeaders(this.responseTrailers, this.path);
    return TrailersAction.Continue;
  }

  onLog(): void {
    useHeaders(this.requestHeaders, this.path);
    useHeaders(this.responseHeaders, this.path);
    useProperties(this.properties, this.filterState, "request.duration");
  }
}

class Answered extends HttpCallHandler {
  constructor(private stream: HttpStream | null) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    const bytes = response.bytes();
    const text = response.status.toString() + response.text() + bytes.length.toString();
    useHeaders(response.headers, text);
    useHeaders(response.trailers, text);
    this.answer(text);
  }

  onFailure(): void {
    this.answer("broke off");
  }

  private answer(text: string): void {
    const stream = this.stream;
    if (stream == null) return;
    const own = orEmpty(stream.requestHeaders.get("x-text"));
    if (stream.path != "/call/late") stream.sendLocalReply({ status: 200, body: text + own });
  }
}

class Heard extends GrpcStreamHandler {
  constructor(private stream: HttpStream) {
    super();
  }

  onInitialMetadata(metadata: HeaderMap): void {
    useHeaders(metadata, "x");
  }

  onMessage(message: Uint8Array): void {
    const grpc = this.stream.grpc;
    if (grpc != null) grpc.send(message);
  }

  onTrailingMetadata(metadata: HeaderMap): void {
    useHeaders(metadata, "x");
  }

  onClose(status: u32, message: string): void {
    this.stream.sendLocalReply({ status: 200, grpcStatus: status, body: message, details: message });
  }
}

class TcpStream extends TcpContext {
  constructor(private plugin: Everything) {
    super();
  }

  onNewConnection(): TcpAction {
    useProperties(this.properties, this.filterState, "source.address");
    return TcpAction.Continue;
  }

  onDownstreamData(size: u32, endOfStream: bool): TcpAction {
    const text = this.downstream.text();
    use(this.plugin, text, this.downstream.bytes(1, 4));
    useBody(this.downstream, text, endOfStream);
    if (text == "close") this.close();
    if (!text.startsWith("hold")) return TcpAction.Continue;
    this.plugin.connections.push(this);
    return TcpAction.StopIteration;
  }

  onUpstreamData(size: u32, endOfStream: bool): TcpAction {
    useBody(this.upstream, "", endOfStream);
    return TcpAction.Continue;
  }

  onDownstreamConnectionClose(by: Peer): void {
    log.debug(by.toString());
  }

  onUpstreamConnectionClose(by: Peer): void {
    log.debug(by.toString());
  }

  onLog(): void {
    useProperties(this.properties, this.filterState, "connection.id");
  }
}

function orEmpty(text: string | null): string {
  return text == null ? "" : text;
}

function callHeaders(path: string): string[][] {
  return [
    [":method", "POST"],
    [":path", path],
    [":authority", "peer.test"],
  ];
}

function useHeaders(headers: HeaderMap, text: string): void {
  const all = headers.getAll("x-many").join(text);
  const snapshot = headers.snapshot();
  const entries = headers.entries();
  for (let i = 0; i < entries.length; i++) {
    if (snapshot.is(entries[i].name, text)) headers.remove(entries[i].name);
  }
  if (snapshot.has("x-many") && snapshot.size > 0 && snapshot.sizeBytes > 0) headers.set("x-all", all);
  headers.add("x-Added", text);
  const bytes = headers.getBytes("x-added");
  if (bytes != null) headers.setBytes("x-bytes", bytes);
  headers.remove("x-added");
  log.debug(headers.has("x-bytes").toString());
}

function useProperties(properties: Properties, state: FilterState, path: string): void {
  const text = properties.string(path);
  const bytes = properties.bytes(path);
  const numbers = properties.u64(path) + <u64>properties.i64(path, -1) + <u64>properties.f64(path);
  const pairs = properties.entries(path);
  const more = properties.entries("xds.node.metadata").length + pairs.length + (bytes == null ? 0 : bytes.length);
  state.set(path, text == null ? "" : text);
  const kept = state.get(path);
  log.info(numbers.toString() + more.toString() + properties.bool(path).toString() + (kept == null ? "" : kept));
}

function use(plugin: Everything, text: string, bytes: Uint8Array): void {
  plugin.requests.increment();
  plugin.level.set(plugin.requests.value);
  plugin.level.add(-1);
  plugin.sizes.record(plugin.level.value);
  plugin.labelled.with([text.substring(0, 1)]).increment();
  const before = getSharedData("k");
  if (before == null || before.bytes.length < 100) setSharedData("k", bytes, before == null ? 0 : before.cas);
  const small = compress(bytes);
  if (small != null) uncompress(small);
  uncompress(bytes);
  const answer = callForeignFunction(text, bytes);
  const found = resolveQueue("", "work");
  const queue = found == null ? plugin.queue : found;
  if (queue != null) {
    queue.enqueue(bytes);
    queue.enqueueText(text);
  }
  const now = clock.monotonicNs() + clock.realtimeNs();
  log.info(now.toString() + (answer == null ? "" : answer.length.toString()) + text);
}

function useBody(body: Body, path: string, endOfStream: bool): DataAction {
  const size = body.size;
  const text = body.text();
  const bytes = body.bytes(1, size + 10);
  if (path == "/whole" && !endOfStream) return DataAction.StopIterationAndBuffer;
  if (path == "/drop") return DataAction.StopIterationNoBuffer;
  body.prependText(text.substring(0, 3));
  body.append(bytes.subarray(0, min(bytes.length, 5)));
  body.drain(size / 2);
  if (path == "/replace") body.replaceText(text);
  if (path == "/bytes") body.replace(bytes);
  return DataAction.Continue;
}

registerPlugin(() => new Everything());
