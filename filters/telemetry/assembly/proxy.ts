import { log, Properties } from "@sluice/sdk/assembly";
import { AccessLog } from "./access-log";
import { Clusters } from "./clusters";
import { TelemetryConfig } from "./config";
import { Expressions } from "./expressions";
import { MessageSeries } from "./message-series";
import { Node } from "./node";
import { Peers } from "./peers";
import { RequestSeries } from "./request-series";
import { SeriesTable } from "./series";
import { Metric, Shapes } from "./shapes";
import { peerOf, Workload } from "./workload";

/** What all requests of a worker share. */
@final
export class Proxy {
  readonly node: Node;
  readonly clusters: Clusters = new Clusters();
  readonly peers: Peers = new Peers();
  readonly requests: SeriesTable<RequestSeries>;
  readonly messages: SeriesTable<MessageSeries>;
  /** Values of labels beyond those that the filter finds itself. */
  readonly dimensions: Expressions;
  readonly accessLog: AccessLog | null;
  readonly unknownPeer: Workload = peerOf("", "", "", "", "", "", "");
  /** For the labels of the request that is counted now: one list for all of them. */
  readonly values: string[] = [];

  constructor(properties: Properties, config: TelemetryConfig) {
    const node = new Node(properties);
    this.node = node;
    const metrics = new Shapes(config.metrics, Metric.Requests, Metric.ResponseMessages, node.statTags);
    const max = config.seriesMax;
    this.requests = new SeriesTable<RequestSeries>(metrics.shapes, Metric.Requests, Metric.ResponseBytes, max);
    this.messages = new SeriesTable<MessageSeries>(
      metrics.shapes,
      Metric.RequestMessages,
      Metric.ResponseMessages,
      max,
    );
    this.dimensions = new Expressions(metrics.expressions);
    const accessLog = config.accessLog;
    this.accessLog = accessLog == null ? null : new AccessLog(accessLog);
    if (metrics.unknown.length) {
      log.warn(
        "no metric has " +
          metrics.unknown.join(", ") +
          ": this proxy was started without such a tag; name it in the pod's annotation " +
          "sidecar.istio.io/extraStatTags",
      );
    }
  }
}
