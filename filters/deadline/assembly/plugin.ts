import { Config, Counter, clock, HttpContext, Plugin } from "@sluice/sdk/assembly";
import { Attempt } from "./attempt";
import { DeadlineConfig } from "./config";
import { announceLayout } from "./correlation";
import { OpenRequests } from "./open-requests";
import { Request } from "./request";

export class DeadlinePlugin extends Plugin {
  /** Whether requests enter the mesh here. */
  isGateway: bool = false;
  readonly open: OpenRequests = new OpenRequests();
  readonly malformed: Counter = new Counter("deadline_malformed_total");
  readonly exceededOnArrival: Counter = new Counter("deadline_exceeded_on_arrival_total");
  readonly exceededWhileOpen: Counter = new Counter("deadline_exceeded_while_open_total");
  readonly exceededBeforeAttempt: Counter = new Counter("deadline_exceeded_before_attempt_total");
  private settings: DeadlineConfig | null = null;
  private isTicking: bool = false;

  get config(): DeadlineConfig {
    return this.settings!;
  }

  onConfigure(config: Config): void {
    this.settings = config.read<DeadlineConfig>();
    const node = this.properties.string("xds.node.id");
    this.isGateway = node != null && node.startsWith("router~");
    announceLayout();
  }

  createHttpContext(): HttpContext {
    return new Request(this);
  }

  createUpstreamContext(): HttpContext {
    return new Attempt(this);
  }

  /** Ends the request by a tick if it is still open at its deadline. */
  watch(request: Request): void {
    this.open.add(request);
    if (this.isTicking) return;
    this.isTicking = true;
    this.setTickPeriod(<u32>(this.config.tick / 1_000_000));
  }

  onTick(): void {
    if (this.open.isEmpty) {
      this.isTicking = false;
      this.setTickPeriod(0);
    } else {
      this.open.endPassed(<i64>clock.monotonicNs());
    }
  }
}
