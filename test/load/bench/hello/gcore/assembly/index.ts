// examples/filters/hello with G-Core's SDK. It logs at level debug in each callback, and leaves it to the host to drop the lines.
export * from "@gcoredev/proxy-wasm-sdk-as/assembly/proxy";

import {
  Context,
  FilterHeadersStatusValues,
  RootContext,
  registerRootContext,
  stream_context,
} from "@gcoredev/proxy-wasm-sdk-as/assembly";

class Hello extends RootContext {
  createContext(id: u32): Context {
    return new HelloStream(id, this);
  }
}

class HelloStream extends Context {
  constructor(id: u32, root: Hello) {
    super(id, root);
  }

  onRequestHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    stream_context.headers.request.add("x-hello", "from sluice");
    return FilterHeadersStatusValues.Continue;
  }

  onResponseHeaders(count: u32, endOfStream: bool): FilterHeadersStatusValues {
    stream_context.headers.response.add("x-hello", "from sluice");
    return FilterHeadersStatusValues.Continue;
  }
}

registerRootContext((id: u32) => new Hello(id), "hello");
