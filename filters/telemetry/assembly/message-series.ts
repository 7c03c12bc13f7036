import { Counter, Properties } from "@sluice/sdk/assembly";
import { Metric, Shape } from "./shapes";

/** The metrics of gRPC messages, for one set of label values. */
@final
export class MessageSeries {
  private requests: Counter;
  private responses: Counter;

  constructor(shapes: Shape[], values: string[]) {
    this.requests = new Counter(shapes[Metric.RequestMessages].of(values));
    this.responses = new Counter(shapes[Metric.ResponseMessages].of(values));
  }

  /** The messages of one request, as Envoy's grpc_stats has counted them: `1,3`; nothing if there were none. */
  count(properties: Properties): void {
    const counted = properties.string("filter_state['envoy.filters.http.grpc_stats']");
    if (counted == null) return;
    const numbers = counted.split(",");
    if (numbers.length != 2) return;
    this.requests.increment(<u32>parseInt(numbers[0]));
    this.responses.increment(<u32>parseInt(numbers[1]));
  }
}
