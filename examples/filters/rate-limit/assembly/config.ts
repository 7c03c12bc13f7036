import { Duration, HeaderName } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Requests in the time of `per`. */
  @range(1, 1_000_000) readonly requests: u32 = 100;
  @range("1s", "1h") readonly per: Duration = "1s";
  /** Requests at once, after a rest. */
  @range(1, 1_000_000) readonly burst: u32 = 10;
  /** Request header whose values have a limit each, such as `x-consumer`; not set: all requests have one together. */
  readonly by: HeaderName = "";
}
