import { Duration, HeaderName } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Envoy's cluster of the service, which speaks HTTP/2. */
  readonly cluster: string;
  /** Request header that says whose quota it is. */
  readonly by: HeaderName = "x-consumer";
  @range("10ms", "10s") readonly timeout: Duration = "500ms";
  /** Whether requests pass while the service can't be asked. */
  readonly failOpen: bool = false;
}
