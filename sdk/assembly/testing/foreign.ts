// A filter whose requests each try a function of Envoy's, named by the path, and answer with what came of it.
import {
  callForeignFunction,
  compress,
  Expression,
  HeadersAction,
  HttpContext,
  Pair,
  Plugin,
  registerPlugin,
  uncompress,
} from "@sluice/sdk/assembly";

class Foreign extends Plugin {
  createHttpContext(): HttpContext {
    return new ForeignStream();
  }
}

class ForeignStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const path = this.requestHeaders.get(":path")!;
    const lines: string[] = [];
    if (path == "/route") {
      this.requestHeaders.set("x-version", "2");
      lines.push(text(this.properties.string("xds.route_name")));
      lines.push(this.clearRouteCache().toString());
      lines.push(text(this.properties.string("xds.route_name")));
    }
    if (path == "/zlib") {
      const plain = Uint8Array.wrap(String.UTF8.encode("again ".repeat(100)));
      const small = compress(plain)!;
      lines.push((small.length < 40).toString());
      lines.push(String.UTF8.decode(uncompress(small)!.buffer));
      lines.push((uncompress(plain) == null).toString());
      lines.push((callForeignFunction("nothing", plain) == null).toString());
    }
    if (path == "/state") {
      lines.push(this.filterState.setEnvoyObject("envoy.network.upstream_server_name", "a.test").toString());
      lines.push(this.filterState.setEnvoyObject("envoy.network.nothing", "x").toString());
    }
    if (path == "/cel") {
      lines.push((Expression.compile("1 +") == null).toString());
      const bool = Expression.compile("request.method == 'GET' && size(request.path) == 4")!;
      lines.push(bool.bool().toString());
      lines.push(text(Expression.compile("request.path + '|' + request.headers['x-a']")!.string()));
      lines.push(Expression.compile("size(request.path) + 38")!.i64().toString());
      lines.push(Expression.compile("0.5")!.f64().toString());
      const list = Expression.compile("[request.method, request.scheme]")!.entries();
      lines.push(names(list));
      lines.push(Expression.compile("[request.method, '', request.headers['x-a']]")!.strings().join(","));
      lines.push(Expression.compile("[request.method, request.headers['x-none']]")!.strings().length.toString());
      lines.push(text(Expression.compile("request.nothing")!.string()));
      lines.push(bool.delete().toString());
      lines.push(bool.bool(true).toString());
    }
    this.sendLocalReply({ status: 200, body: lines.join("\n") });
    return HeadersAction.StopIteration;
  }
}

function text(value: string | null): string {
  return value == null ? "null" : value;
}

function names(pairs: Pair[]): string {
  const all: string[] = [];
  for (let i = 0; i < pairs.length; i++) all.push(pairs[i].name + "=" + pairs[i].value);
  return all.join(",");
}

registerPlugin(() => new Foreign());
