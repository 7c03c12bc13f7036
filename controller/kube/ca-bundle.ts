import { fieldsOf } from "../model/raw-object.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { KubeObject } from "./api.ts";
import { pathOf } from "./api.ts";
import type { KubeClient } from "./client.ts";
import { Follow, type WatchClient } from "./follow.ts";
import { Health } from "./health.ts";
import { Reconciler } from "./reconciler.ts";

const group = { group: "admissionregistration.k8s.io", version: "v1" };

export interface CaBundleOptions {
  readonly client: WatchClient & Pick<KubeClient, "get" | "request">;
  /** Names of the configurations; one that is missing is waited for. */
  readonly injector: string;
  readonly validator: string;
  /** PEM, as they are now. */
  readonly roots: () => string;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/**
 * Keeps the roots of trust in the configurations of the webhooks, so that the API server believes our server: whoever
 * takes them out or puts others in is corrected.
 */
export class CaBundle {
  readonly #options: CaBundleOptions;
  readonly #reconciler: Reconciler;
  /** By path of the configuration. */
  readonly #follows: ReadonlyMap<string, Follow>;

  constructor(options: CaBundleOptions) {
    this.#options = options;
    const { client, clock, random, log, injector, validator } = options;
    this.#reconciler = new Reconciler({
      ...options,
      wanted: () => this.#wanted(),
      write: (path) => this.#write(path),
      describe: (path) => path.slice(path.lastIndexOf("/") + 1),
    });
    const health = new Health(log);
    const names = { mutatingwebhookconfigurations: injector, validatingwebhookconfigurations: validator };
    this.#follows = new Map(
      Object.entries(names).map(([plural, name]) => {
        const selection = { fieldSelector: `metadata.name=${name}` };
        const onChange = (): void => this.check();
        const onHealth = health.of(name);
        const type = { ...group, plural, selection };
        return [pathOf({ ...type, name }), new Follow(type, { client, clock, random, onChange, onHealth })];
      }),
    );
  }

  /** To be called when the roots have changed. */
  check(): void {
    this.#reconciler.check();
  }

  close(): void {
    for (const follow of this.#follows.values()) follow.stop();
    this.#reconciler.stop();
  }

  #wanted(): readonly string[] {
    return [...this.#follows].flatMap(([path, { set }]) =>
      set.objects.some((one) => this.#differs(one.value)) ? [path] : [],
    );
  }

  #differs(configuration: KubeObject): boolean {
    return webhooksOf(configuration).some((webhook) => bundleOf(webhook) !== this.#bundle());
  }

  #bundle(): string {
    return Buffer.from(this.#options.roots()).toString("base64");
  }

  /** By place in the list, so for the very version that was looked at: it is read again right before. */
  async #write(path: string): Promise<void> {
    const { client } = this.#options;
    const configuration = (await client.request("GET", path)) as KubeObject;
    const body = [
      { op: "test", path: "/metadata/resourceVersion", value: configuration.metadata.resourceVersion },
      ...webhooksOf(configuration).map((_, i) => ({
        op: "add",
        path: `/webhooks/${i}/clientConfig/caBundle`,
        value: this.#bundle(),
      })),
    ];
    await client.request("PATCH", path, { body, contentType: "application/json-patch+json" });
  }
}

function webhooksOf({ webhooks }: KubeObject): readonly unknown[] {
  return Array.isArray(webhooks) ? webhooks : [];
}

function bundleOf(webhook: unknown): unknown {
  return fieldsOf(fieldsOf(webhook)["clientConfig"])["caBundle"];
}
