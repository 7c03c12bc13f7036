import { Config, HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";

/** The plugin: one for each configuration, so this is where the configuration lives. */
class Hello extends Plugin {
  createHttpContext(): HttpContext {
    return new HelloStream();
  }
}

/** One request and its response. */
class HelloStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    this.requestHeaders.add("x-hello", "from sluice");
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.responseHeaders.add("x-hello", "from sluice");
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Hello());
