// Istio's standard metrics, and the exchange of metadata that their labels come from. See ../README.md.
import { Config, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Attempt } from "./attempt";
import { TelemetryConfig } from "./config";
import { Proxy } from "./proxy";
import { Request } from "./request";

class Telemetry extends Plugin {
  private proxy: Proxy | null = null;

  onConfigure(config: Config): void {
    this.proxy = new Proxy(this.properties, config.read<TelemetryConfig>());
  }

  createHttpContext(): HttpContext {
    return new Request(this.proxy!);
  }

  createUpstreamContext(): HttpContext {
    return new Attempt(this.proxy!);
  }
}

registerPlugin(() => new Telemetry());
