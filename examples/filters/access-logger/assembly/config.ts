import { Duration } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Envoy's cluster of the service that keeps the lines. */
  readonly cluster: string;
  readonly path: string = "/logs";
  /** How often lines are sent. */
  @range("100ms", "1m") readonly every: Duration = "1s";
  /** Lines that wait to be sent, in each worker; what is more is dropped, and counted. */
  @range(1, 100_000) readonly linesMax: i32 = 1000;
}
