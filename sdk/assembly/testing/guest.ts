// A filter that allocates as much as filters do, and fails when it is told to; driven by the tests beside it.
import { HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";

class Guest extends Plugin {
  createHttpContext(): HttpContext {
    return new GuestStream();
  }
}

class GuestStream extends HttpContext {
  private path: string = "";

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path");
    this.path = path == null ? "none" : path;
    if (this.path == "/trap") throw new Error("a trap: é".repeat(100));
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.responseHeaders.set("x-path", this.path + " was the path");
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Guest());
