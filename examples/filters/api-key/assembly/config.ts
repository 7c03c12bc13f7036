import { Duration, HeaderName } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Envoy's cluster of the service that knows the keys. */
  readonly cluster: string;
  /** Host and path by which it is asked. */
  readonly host: string = "keys";
  readonly path: string = "/verify";
  /** Header with the key, in requests and in the question to the service. */
  readonly header: HeaderName = "x-api-key";
  /** A service that takes longer counts as one that is down. */
  @range("10ms", "10s") readonly timeout: Duration = "500ms";
  /** How long a key that was good is not asked for again. */
  @range("0s", "1h") readonly cacheFor: Duration = "30s";
}
