// Reads the attributes that its configuration names in each of its callbacks, and says which are there, with their size in bytes.
import { Config, HeadersAction, HttpContext, log, Plugin, Properties, registerPlugin } from "@sluice/sdk/assembly";

class Attributes extends Plugin {
  paths: string[] = [];

  onConfigure(config: Config): void {
    this.paths = config.strings("paths").required();
    say("C", this.paths, this.properties);
  }

  createHttpContext(): HttpContext {
    return new AttributeStream(this.paths, false);
  }

  createUpstreamContext(): HttpContext {
    return new AttributeStream(this.paths, true);
  }
}

class AttributeStream extends HttpContext {
  constructor(
    private paths: string[],
    private isUpstream: bool,
  ) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    say(this.isUpstream ? "r" : "R", this.paths, this.properties);
    if (!this.isUpstream) log.info("typed " + typed(this.properties));
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    say(this.isUpstream ? "a" : "A", this.paths, this.properties);
    return HeadersAction.Continue;
  }

  onLog(): void {
    say("L", this.paths, this.properties);
    log.info("over");
  }
}

/** One of each type by its getter. */
function typed(properties: Properties): string {
  const path = properties.request.path;
  const mtls = properties.connection.mtls.toString();
  const late = properties.response.code.toString();
  return (path == null ? "null" : path) + " " + mtls + " " + properties.destination.port.toString() + " " + late;
}

function say(phase: string, paths: string[], properties: Properties): void {
  for (let i = 0; i < paths.length; i++) {
    const value = properties.bytes(paths[i]);
    if (value != null) log.info(phase + " " + paths[i] + " " + value.length.toString());
  }
}

registerPlugin(() => new Attributes());
