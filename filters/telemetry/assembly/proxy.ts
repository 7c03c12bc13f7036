import { Properties } from "@sluice/sdk/assembly";
import { Clusters } from "./clusters";
import { Node } from "./node";
import { Peers } from "./peers";
import { AllSeries } from "./series";
import { peerOf, Workload } from "./workload";

/** What all requests of a worker share. */
@final
export class Proxy {
  readonly node: Node;
  readonly clusters: Clusters = new Clusters();
  readonly peers: Peers = new Peers();
  readonly series: AllSeries;
  readonly unknownPeer: Workload = peerOf("", "", "", "", "", "", "");
  /** For the labels of the request that is counted now: one list for all of them. */
  readonly values: string[] = [];

  constructor(properties: Properties, seriesMax: i32) {
    this.node = new Node(properties);
    this.series = new AllSeries(seriesMax);
  }
}
