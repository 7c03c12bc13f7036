// Brings a line of JSON for each request to a service, many at a time. See ../README.md.
import {
  Config,
  Counter,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  JsonValue,
  joinTexts,
  Plugin,
  registerPlugin,
  Status,
} from "@sluice/sdk/assembly";
import { Settings } from "./config";

/** Of a method or path, in a line. A client may send 60 KiB, and lines wait in the memory of the VM. */
const CHARACTERS_MAX: i32 = 500;

class AccessLogger extends Plugin {
  private settings: Settings | null = null;
  private lines: string[] = [];
  private lost: Counter = new Counter("access_logger_lost_lines_total");

  onConfigure(config: Config): void {
    const settings = config.read<Settings>();
    this.settings = settings;
    this.setTickPeriod(<u32>(settings.every / 1_000_000));
  }

  onLog(): void {
    if (this.lines.length < this.settings!.linesMax) this.lines.push(this.line());
    else this.lost.increment();
  }

  onTick(): void {
    if (!this.lines.length) return;
    const count = this.lines.length;
    const call: HttpCall = {
      cluster: this.settings!.cluster,
      headers: [
        [":method", "POST"],
        [":path", this.settings!.path],
        [":authority", "logs"],
        ["content-type", "application/x-ndjson"],
      ],
      body: joinTexts(this.lines, "\n") + "\n",
    };
    this.lines = [];
    if (this.httpCall(call, new Receipt(this.lost, count)) != Status.Ok) this.lost.increment(count);
  }

  private line(): string {
    const headers = this.requestHeaders.snapshot();
    const properties = this.properties;
    return JsonValue.object()
      .set("method", text(headers.get(":method")))
      .set("path", text(headers.get(":path")))
      .set("status", JsonValue.number(<f64>properties.i64("response.code")))
      .set("ms", JsonValue.number(<f64>properties.i64("request.duration") / 1_000_000))
      .set("sent", JsonValue.number(<f64>properties.i64("response.size")))
      .toString();
  }
}

/** Lines that the service did not take are lost: to send them again could bring them twice. */
class Receipt extends HttpCallHandler {
  constructor(
    private lost: Counter,
    private count: i32,
  ) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    if (response.status >= 300) this.lost.increment(this.count);
  }

  onFailure(): void {
    this.lost.increment(this.count);
  }
}

function text(value: string | null): JsonValue {
  return JsonValue.string(value == null ? "" : value.substring(0, CHARACTERS_MAX));
}

registerPlugin(() => new AccessLogger());
