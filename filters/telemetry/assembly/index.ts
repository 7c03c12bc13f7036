// Istio's standard metrics, and the exchange of metadata that their labels come from. See ../README.md.
import {
  Config,
  Gauge,
  HttpContext,
  labelled,
  Plugin,
  Properties,
  registerPlugin,
  TcpContext,
} from "@sluice/sdk/assembly";
import { Attempt } from "./attempt";
import { TelemetryConfig } from "./config";
import { Connection, OpenConnections } from "./connection";
import { Proxy } from "./proxy";
import { Request } from "./request";

class Telemetry extends Plugin {
  private proxy: Proxy | null = null;
  private open: OpenConnections | null = null;

  onConfigure(config: Config): void {
    this.proxy = new Proxy(this.properties, config.read<TelemetryConfig>(), this.isNetwork);
    this.open = new OpenConnections(this);
    tellVersion(this.properties);
  }

  createHttpContext(): HttpContext {
    return new Request(this.proxy!);
  }

  createUpstreamContext(): HttpContext {
    return new Attempt(this.proxy!);
  }

  createTcpContext(): TcpContext | null {
    if (this.proxy!.connections.isEmpty) return null;
    return new Connection(this.proxy!, this.open!);
  }

  /** Only while connections are open. */
  onTick(): void {
    this.open!.report();
  }
}

/** Istio's gauge of what runs here. */
function tellVersion(properties: Properties): void {
  const version = properties.string("xds.node.metadata.ISTIO_VERSION");
  new Gauge(labelled("istio_build", ["component", "tag"], ["proxy", version == null ? "unknown" : version])).set(1);
}

registerPlugin(() => new Telemetry());
