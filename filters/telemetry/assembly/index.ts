// Istio's standard metrics, and the exchange of metadata that their labels come from. See ../README.md.
import {
  Config,
  Gauge,
  HttpContext,
  labelled,
  Plugin,
  Properties,
  Queue,
  registerPlugin,
  TcpContext,
  takeOverMetric,
  takeOverMetrics,
} from "@sluice/sdk/assembly";
import { Attempt } from "./attempt";
import { TelemetryConfig } from "./config";
import { Connection } from "./connection";
import { Proxy } from "./proxy";
import { Request } from "./request";

class Telemetry extends Plugin {
  private proxy: Proxy | null = null;

  onConfigure(config: Config): void {
    this.proxy = new Proxy(this, config.read<TelemetryConfig>());
    tellVersion(this.properties);
    takeOverMetrics();
  }

  createHttpContext(): HttpContext {
    return new Request(this.proxy!);
  }

  createUpstreamContext(): HttpContext {
    return new Attempt(this.proxy!);
  }

  createTcpContext(): TcpContext | null {
    const proxy = this.proxy!;
    return proxy.hasConnections ? new Connection(proxy) : null;
  }

  /** Requests that were open at a swap of the module end in the old VM, with labels that may be new. */
  onQueueReady(queue: Queue): void {
    takeOverMetric(queue);
  }

  /** Only while something is open that is counted before its end. */
  onTick(): void {
    this.proxy!.open.report();
  }
}

/** Istio's gauge of what runs here. */
function tellVersion(properties: Properties): void {
  const version = properties.string("xds.node.metadata.ISTIO_VERSION");
  new Gauge(labelled("istio_build", ["component", "tag"], ["proxy", version == null ? "unknown" : version])).set(1);
}

registerPlugin(() => new Telemetry());
