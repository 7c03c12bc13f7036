import { Properties } from "@sluice/sdk/assembly";
import { OpenStream } from "./open-streams";
import { Request } from "./request";
import { Series } from "./series";
import { Metric } from "./shapes";

/** A gRPC call: its messages are counted while it is open, in one series from the first time on. */
@final
export class OpenCall extends OpenStream {
  /** Null as long as nothing is counted. */
  series: Series | null = null;
  /** Messages that are counted. */
  private requests: u64 = 0;
  private responses: u64 = 0;

  constructor(
    private request: Request,
    more: string[],
  ) {
    super(more);
  }

  report(): void {
    const request = this.request;
    if (this.series == null) this.series = request.openSeries(this.more);
    if (this.series != null) this.count(request.properties);
  }

  /** What has come since the last time, as Envoy's grpc_stats counts it: `1,3`; nothing before the first message. */
  count(properties: Properties): void {
    const counted = properties.string("filter_state['envoy.filters.http.grpc_stats']");
    if (counted == null || !counted.includes(",")) return;
    let requests: u64 = 0;
    let responses: u64 = 0;
    for (let i = 0; i < counted.length; i++) {
      const digit = counted.charCodeAt(i) - 0x30;
      if (digit >= 0) responses = responses * 10 + digit;
      else {
        requests = responses; // the comma
        responses = 0;
      }
    }
    const series = this.series!;
    this.requests = series.countUpTo(Metric.RequestMessages, requests, this.requests);
    this.responses = series.countUpTo(Metric.ResponseMessages, responses, this.responses);
  }
}
