import { log, Properties } from "@sluice/sdk/assembly";
import { AccessLog } from "./access-log";
import { Clusters } from "./clusters";
import { TelemetryConfig } from "./config";
import { ConnectionSeries } from "./connection-series";
import { Expressions } from "./expressions";
import { MessageSeries } from "./message-series";
import { Node } from "./node";
import { Peers } from "./peers";
import { RequestSeries } from "./request-series";
import { SeriesTable } from "./series";
import { Metric, Shapes } from "./shapes";
import { peerOf, Workload } from "./workload";

/** What all requests, or connections, of a worker share. */
@final
export class Proxy {
  readonly node: Node;
  readonly clusters: Clusters = new Clusters();
  readonly peers: Peers = new Peers();
  readonly requests: SeriesTable<RequestSeries>;
  readonly messages: SeriesTable<MessageSeries>;
  readonly connections: SeriesTable<ConnectionSeries>;
  /** Values of labels beyond those that the filter finds itself. */
  readonly dimensions: Expressions;
  readonly accessLog: AccessLog | null;
  readonly unknownPeer: Workload = peerOf("", "", "", "", "", "", "");
  /** For the labels of the request that is counted now: one list for all of them. */
  readonly values: string[] = [];

  constructor(properties: Properties, config: TelemetryConfig, isNetwork: bool) {
    const node = new Node(properties);
    this.node = node;
    const first: i32 = isNetwork ? Metric.TcpSent : Metric.Requests;
    const last: i32 = isNetwork ? Metric.TcpClosed : Metric.ResponseMessages;
    const metrics = new Shapes(config.metrics, first, last, node.statTags);
    const shapes = metrics.shapes;
    const max = config.seriesMax;
    this.requests = new SeriesTable<RequestSeries>(shapes, Metric.Requests, Metric.ResponseBytes, max);
    this.messages = new SeriesTable<MessageSeries>(shapes, Metric.RequestMessages, Metric.ResponseMessages, max);
    this.connections = new SeriesTable<ConnectionSeries>(shapes, Metric.TcpSent, Metric.TcpClosed, max);
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
