import { fieldsOf } from "../model/raw-object.ts";
import { rootConfigMap } from "../model/root-names.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { KubeClient } from "./client.ts";
import { Follow, type WatchClient } from "./follow.ts";
import { Health } from "./health.ts";
import { Reconciler } from "./reconciler.ts";

const configMaps = { group: "", version: "v1", plural: "configmaps" };

const { name, key } = rootConfigMap;

export interface RootConfigMapsOptions {
  readonly client: WatchClient & Pick<KubeClient, "apply">;
  /** Names of those that are not being deleted. */
  readonly namespaces: () => Iterable<string>;
  /** PEM, as they are now. */
  readonly roots: () => string;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

/** Keeps the roots of trust in a ConfigMap of every namespace: where it is missing or says something else, it is written. */
export class RootConfigMaps {
  readonly #options: RootConfigMapsOptions;
  readonly #reconciler: Reconciler;
  readonly #follow: Follow;
  #isCompared = false;

  constructor(options: RootConfigMapsOptions) {
    this.#options = options;
    this.#reconciler = new Reconciler({
      ...options,
      wanted: () => this.#wanted(),
      write: (namespace) => this.#write(namespace),
      describe: (namespace) => `ConfigMap ${namespace}/${name}`,
    });
    const { client, clock, random, log } = options;
    const selection = { fieldSelector: `metadata.name=${name}` };
    const onHealth = new Health(log).of(`ConfigMaps ${name}`);
    const onChange = (): void => {
      this.#compare();
      this.check();
    };
    this.#follow = new Follow({ ...configMaps, selection }, { client, clock, random, onChange, onHealth });
  }

  /** To be called when namespaces or roots have changed. */
  check(): void {
    this.#reconciler.check();
  }

  close(): void {
    this.#follow.stop();
    this.#reconciler.stop();
  }

  /** Once, before anything is written: do those who know only what was published before believe our server? */
  #compare(): void {
    if (this.#isCompared || !this.#follow.isListed) return;
    this.#isCompared = true;
    const roots = certificatesOf(this.#options.roots());
    const strangers = this.#follow.set.objects.filter(({ value }) => {
      const published = certificatesOf(fieldsOf(value["data"])[key]);
      return published.length > 0 && !published.some((one) => roots.includes(one));
    });
    if (strangers.length === 0) return;
    const where = strangers.map(({ value }) => value.metadata.namespace).join(", ");
    this.#options.log.warn(
      `the root of trust has changed: proxies that were started with the one before, in ${where}, can't reach this controller and get no more certificates; restart every pod that has a proxy (kubectl rollout restart deployment)`,
    );
  }

  /** Namespaces whose ConfigMap must be written. */
  #wanted(): readonly string[] {
    if (!this.#follow.isListed) return [];
    const roots = this.#options.roots();
    const right = new Set(
      this.#follow.set.objects
        .filter(({ value }) => fieldsOf(value["data"])[key] === roots)
        .map(({ value }) => value.metadata.namespace),
    );
    return [...this.#options.namespaces()].filter((namespace) => !right.has(namespace));
  }

  async #write(namespace: string): Promise<void> {
    await this.#options.client.apply(
      { ...configMaps, namespace, name },
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name, namespace, labels: { "istio.io/config": "true" } },
        data: { [key]: this.#options.roots() },
      },
    );
  }
}

/** Each certificate of a PEM, without the white space that a Secret or an editor may add. */
function certificatesOf(pem: unknown): readonly string[] {
  const blocks = String(pem ?? "").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => block.replaceAll(/\s/g, ""));
}
