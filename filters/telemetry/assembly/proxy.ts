import { Properties } from "@sluice/sdk/assembly";
import { Clusters } from "./clusters";
import { MessageSeries } from "./message-series";
import { Node } from "./node";
import { Peers } from "./peers";
import { RequestSeries } from "./request-series";
import { SeriesTable } from "./series";
import { istioShapes, Metric } from "./shapes";
import { peerOf, Workload } from "./workload";

/** What all requests of a worker share. */
@final
export class Proxy {
  readonly node: Node;
  readonly clusters: Clusters = new Clusters();
  readonly peers: Peers = new Peers();
  readonly requests: SeriesTable<RequestSeries>;
  readonly messages: SeriesTable<MessageSeries>;
  readonly unknownPeer: Workload = peerOf("", "", "", "", "", "", "");
  /** For the labels of the request that is counted now: one list for all of them. */
  readonly values: string[] = [];

  constructor(properties: Properties, seriesMax: i32) {
    this.node = new Node(properties);
    const shapes = istioShapes();
    this.requests = new SeriesTable<RequestSeries>(shapes, Metric.Requests, Metric.ResponseBytes, seriesMax);
    this.messages = new SeriesTable<MessageSeries>(shapes, Metric.RequestMessages, Metric.ResponseMessages, seriesMax);
  }
}
