import {
  Counter,
  HeadersAction,
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  HttpContext,
  Labelled,
  Status,
} from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { KeyCache } from "./key-cache";

/** What all requests of a plugin share. */
@final
export class Shared {
  readonly keys: KeyCache;
  readonly checks: Labelled<Counter> = new Labelled<Counter>("api_key_checks_total", ["result"]);

  constructor(readonly settings: Settings) {
    this.keys = new KeyCache(<u64>settings.cacheFor);
  }
}

/** A request that waits until its key is known. */
export class Request extends HttpContext {
  constructor(readonly shared: Shared) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.requestHeaders;
    const settings = this.shared.settings;
    const key = headers.get(settings.header);
    if (key == null) {
      this.refuse("missing", 401, "an API key is missing: send it as " + settings.header);
      return HeadersAction.StopIteration;
    }
    const consumer = this.shared.keys.find(key);
    if (consumer != null) {
      this.pass("cached", consumer);
      return HeadersAction.Continue;
    }
    const question: HttpCall = {
      cluster: settings.cluster,
      headers: [
        [":method", "GET"],
        [":path", settings.path],
        [":authority", settings.host],
        [settings.header, key],
      ],
      timeoutMs: <u32>(settings.timeout / 1_000_000),
    };
    if (this.httpCall(question, new Verdict(this, key)) != Status.Ok) this.failed();
    return HeadersAction.StopIteration;
  }

  pass(result: string, consumer: string): void {
    this.shared.checks.with([result]).increment();
    this.requestHeaders.remove(this.shared.settings.header); // the application has no need of it
    this.requestHeaders.set("x-consumer", consumer); // in the place of what the caller says
  }

  refuse(result: string, status: u32, body: string): void {
    this.shared.checks.with([result]).increment();
    this.sendLocalReply({ status, body, details: "api_key_" + result });
  }

  failed(): void {
    this.refuse("failed", 503, "API keys can't be checked at the moment");
  }
}

/** The service's answer. AssemblyScript has no closures: what the answer is for stands in fields. */
class Verdict extends HttpCallHandler {
  constructor(
    private request: Request,
    private key: string,
  ) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    const status = response.status;
    if (status == 200) {
      const consumer = response.text().split("\n")[0].trim(); // a header has one line
      this.request.shared.keys.add(this.key, consumer);
      this.request.pass("good", consumer);
      this.request.continueRequest();
    } else if (status == 401 || status == 403 || status == 404) {
      this.request.refuse("bad", 403, "this API key is not known");
    } else {
      this.request.failed(); // 504 where it took too long, 503 where nobody was there: Envoy's own answers
    }
  }

  onFailure(): void {
    this.request.failed();
  }
}
