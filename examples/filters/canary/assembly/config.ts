import { HeaderName } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Share of the users that the canary serves. */
  @range(0, 100) readonly percent: u32 = 5;
  /** Request header that says who the user is. */
  readonly by: HeaderName = "x-user";
  /** Request header that routes match: `canary` for its users, else not there. */
  readonly header: HeaderName = "x-version";
}
