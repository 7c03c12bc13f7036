// Blackens long numbers, such as those of cards, in responses of any size while they stream. See ../README.md.
import { Config, DataAction, HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { Redaction } from "./redaction";

class RedactNumbers extends Plugin {
  private digits: u32 = 0;

  onConfigure(config: Config): void {
    this.digits = config.read<Settings>().digits;
  }

  createHttpContext(): HttpContext {
    return new RedactNumbersStream(new Redaction(this.digits));
  }
}

class RedactNumbersStream extends HttpContext {
  constructor(private redaction: Redaction) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.requestHeaders.remove("accept-encoding"); // a body that is compressed can't be read here
    return HeadersAction.Continue;
  }

  /** Each chunk goes on at once. Its length stays the same, and so `content-length` stays true. */
  onResponseBody(size: u32, endOfStream: bool): DataAction {
    const chunk = this.responseBody.bytes();
    if (this.redaction.apply(chunk)) this.responseBody.replace(chunk);
    return DataAction.Continue;
  }
}

registerPlugin(() => new RedactNumbers());
