import { Counter, Properties } from "@sluice/sdk/assembly";
import { counterOf, Metric, Shape } from "./shapes";

/** The metrics of gRPC messages, for one set of label values. */
@final
export class MessageSeries {
  private requests: Counter | null;
  private responses: Counter | null;

  constructor(shapes: (Shape | null)[], values: string[]) {
    this.requests = counterOf(shapes[Metric.RequestMessages], values);
    this.responses = counterOf(shapes[Metric.ResponseMessages], values);
  }

  /** The messages of one request, as Envoy's grpc_stats has counted them: `1,3`; nothing if there were none. */
  count(properties: Properties): void {
    const counted = properties.string("filter_state['envoy.filters.http.grpc_stats']");
    if (counted == null) return;
    const numbers = counted.split(",");
    if (numbers.length != 2) return;
    if (this.requests != null) this.requests!.increment(<u32>parseInt(numbers[0]));
    if (this.responses != null) this.responses!.increment(<u32>parseInt(numbers[1]));
  }
}
