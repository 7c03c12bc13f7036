import { FilterState, log, Plugin } from "@sluice/sdk/assembly";
import { AccessLog } from "./access-log";
import { Clusters } from "./clusters";
import { TelemetryConfig } from "./config";
import { Expressions } from "./expressions";
import { Node } from "./node";
import { OpenStreams } from "./open-streams";
import { Peers } from "./peers";
import { SeriesTable } from "./series-table";
import { Metric, Shapes } from "./shapes";
import { peerOf, Workload } from "./workload";

/** What all requests, or connections, of a worker share. */
@final
export class Proxy {
  readonly node: Node;
  readonly clusters: Clusters = new Clusters();
  readonly peers: Peers = new Peers();
  readonly requests: SeriesTable;
  readonly messages: SeriesTable;
  readonly connections: SeriesTable;
  /** Values of labels beyond those that the filter finds itself. */
  readonly dimensions: Expressions;
  private accessLog: AccessLog | null;
  readonly open: OpenStreams;
  readonly unknownPeer: Workload = peerOf("", "", "", "", "", "", "");
  /** For the labels of the request that is counted now: one list for all of them. */
  readonly values: string[] = [];

  constructor(plugin: Plugin, config: TelemetryConfig) {
    const node = new Node(plugin.properties);
    const isNetwork = plugin.isNetwork;
    this.node = node;
    this.open = new OpenStreams(plugin, <u32>(config.tcp_reporting_duration / 1_000_000));
    const first: i32 = isNetwork ? Metric.TcpSent : Metric.Requests;
    const last: i32 = isNetwork ? Metric.TcpClosed : Metric.ResponseMessages;
    const metrics = new Shapes(config.metrics, first, last, node.statTags);
    const shapes = metrics.shapes;
    const max = config.seriesMax;
    this.requests = new SeriesTable(shapes, Metric.Requests, Metric.ResponseBytes, max);
    this.messages = new SeriesTable(shapes, Metric.RequestMessages, Metric.ResponseMessages, max);
    this.connections = new SeriesTable(shapes, Metric.TcpSent, Metric.TcpClosed, max);
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

  /** Logs what is over, of which that is the filter state. */
  log(state: FilterState): void {
    const accessLog = this.accessLog;
    if (accessLog != null) accessLog.write(state);
  }

  /** Whether there is anything to do for connections. */
  get hasConnections(): bool {
    return !this.connections.isEmpty || this.accessLog != null;
  }
}
