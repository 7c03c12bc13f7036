// Two plugins with a queue between them: what the one's requests leave there, the other brings to a service. See ../README.md.
import { Config, HttpContext, Plugin, Queue, registerPlugin, registerQueue } from "@sluice/sdk/assembly";
import { Collector } from "./collector";
import { Settings } from "./config";
import { AuditedRequest } from "./request";

class AuditQueue extends Plugin {
  private sendTo: string | null = null;
  private collector: Collector | null = null;

  onConfigure(config: Config): void {
    const settings = config.read<Settings>();
    const cluster = settings.cluster;
    this.sendTo = settings.sendTo;
    if (cluster == null) return;
    this.collector = new Collector(this, cluster, settings.path);
    registerQueue("audit"); // from now on this plugin hears of its lines
  }

  createHttpContext(): HttpContext | null {
    const sendTo = this.sendTo;
    return sendTo == null ? null : new AuditedRequest(sendTo);
  }

  onQueueReady(queue: Queue): void {
    const collector = this.collector;
    if (collector != null) collector.collect(queue);
  }
}

registerPlugin(() => new AuditQueue());
