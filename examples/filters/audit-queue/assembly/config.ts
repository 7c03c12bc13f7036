import { Config } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Of the plugin that sends: the vm_id of the one that collects. */
  readonly sendTo: string | null = null;
  /** Of the plugin that collects: Envoy's cluster of the service that keeps the lines. */
  readonly cluster: string | null = null;
  readonly path: string = "/audit";

  check(config: Config): void {
    if ((this.sendTo == null) == (this.cluster == null)) config.reject("sendTo", "either it or cluster must be there");
  }
}
