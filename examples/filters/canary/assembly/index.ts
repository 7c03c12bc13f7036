// Sends a share of the users to a canary, each user always to the same version. See ../README.md.
import { Config, HeadersAction, HttpContext, hashText, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";

class Canary extends Plugin {
  private settings: Settings | null = null;

  onConfigure(config: Config): void {
    this.settings = config.read<Settings>();
  }

  createHttpContext(): HttpContext {
    return new CanaryStream(this.settings!);
  }
}

class CanaryStream extends HttpContext {
  constructor(private settings: Settings) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    const headers = this.requestHeaders;
    const user = headers.get(this.settings.by);
    // Envoy has chosen a route by the headers as they came. To write one makes it forget that: the router chooses anew.
    if (user != null && hashText(user) % 100 < this.settings.percent) headers.set(this.settings.header, "canary");
    else if (headers.has(this.settings.header)) headers.remove(this.settings.header); // nobody chooses the canary for himself
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Canary());
