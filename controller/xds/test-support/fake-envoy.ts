// What Envoy 1.40 does with delta ADS, as far as the server can tell, in a model small enough to be run by the million.
import { create } from "@bufbuild/protobuf";
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
} from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import { type Resource, typeUrls, type XdsType } from "../../model/resource.ts";
import type { Response } from "../outbox.ts";

/** The body of a simulated resource, as JSON. */
export interface Content {
  /** Makes it differ. */
  readonly n: number;
  /** Envoy refuses it. */
  readonly isBad?: boolean;
  /** Of a listener: the names it asks for. */
  readonly routes?: readonly string[];
  readonly slots?: readonly string[];
  /** Of a listener or a cluster: what it must have to be in force. */
  readonly secrets?: readonly string[];
  /** Of a route. */
  readonly cluster?: string;
}

export function contentOf({ body }: Pick<Resource, "body">): Content {
  return JSON.parse(new TextDecoder().decode(body));
}

const types = ["CDS", "EDS", "SDS", "LDS", "RDS", "ECDS"] as const;
const typeOf = new Map<string, XdsType>(types.map((type) => [typeUrls[type], type]));
type PerType<T> = Readonly<Record<XdsType, T>>;

function perType<T>(make: () => T): PerType<T> {
  return { CDS: make(), EDS: make(), LDS: make(), RDS: make(), ECDS: make(), SDS: make() };
}

export class FakeEnvoy {
  /** What is in force. */
  readonly live = perType(() => new Map<string, Resource>());
  /** Clusters that wait for endpoints or secrets, and those refused for their content. */
  readonly warming = new Map<string, Resource>();
  /** Answers to cluster responses that are held back. */
  readonly withheld: DeltaDiscoveryRequest[] = [];
  /** Broken promises: lost requests, resources sent for nothing. */
  readonly complaints: string[] = [];
  /** What it has to say; the test takes from the front. */
  readonly outgoing: DeltaDiscoveryRequest[] = [];
  /** Clusters that requests may rely on. */
  readonly #reliable: ReadonlySet<string>;
  readonly #recorded = perType(() => new Map<string, string>());
  readonly #subscribed = perType(() => new Set<string>());
  /** How often a name may be sent again although its version is known: asked for, or part of a refused response. */
  readonly #asked = perType(() => new Map<string, number>());
  readonly #clusterSent = new Set<string>();
  /** Clusters whose endpoints came since they changed. */
  readonly #fresh = new Set<string>();
  /** Refused alone: to come again only with other content, or when asked for anew. */
  readonly #refused = new Map<string, string>();
  #isPaused = false;
  #hasClusters = false;
  #hasAskedListeners = false;

  constructor(reliable: ReadonlySet<string>) {
    this.#reliable = reliable;
  }

  /** All first clusters are warm: only then it asks for listeners. */
  get isStarted(): boolean {
    return this.#hasAskedListeners;
  }

  connect(): void {
    this.outgoing.length = 0;
    this.withheld.length = 0;
    this.#refused.clear();
    this.#clusterSent.clear();
    for (const type of types) {
      this.#asked[type].clear();
      const names = [...this.#subscribed[type]];
      if (type === "LDS" ? !this.#hasAskedListeners : type !== "CDS" && names.length === 0) continue;
      const known = Object.fromEntries(this.#recorded[type]);
      this.#say(type, { resourceNamesSubscribe: names, initialResourceVersions: known });
      for (const name of names) if (!this.#recorded[type].has(name)) this.#excuse(type, name);
    }
  }

  receive(response: Response): void {
    const type = typeOf.get(response.typeUrl);
    if (type === undefined) throw new Error(`unknown type ${response.typeUrl}`);
    if (type === "LDS" && !this.#hasAskedListeners) return; // of a type it never asked for: not even an answer
    for (const resource of response.resources) this.#judge(type, resource);
    for (const name of response.removed) this.#remove(type, name);
    const bad = response.resources.filter((resource) => !this.#apply(type, resource));
    if (bad.length === 0) {
      for (const { name, version } of response.resources) {
        if (type === "CDS" || type === "LDS" || this.#subscribed[type].has(name)) {
          this.#recorded[type].set(name, version);
        }
      }
    } else {
      const [only, ...others] = response.resources;
      if (only !== undefined && others.length === 0) this.#refused.set(`${type} ${only.name}`, only.version);
      else for (const { name } of response.resources) this.#excuse(type, name);
    }
    this.#askForSecrets();
    this.#warmUp();
    this.#answer(type, response.nonce, bad);
  }

  #excuse(type: XdsType, name: string): void {
    this.#asked[type].set(name, (this.#asked[type].get(name) ?? 0) + 1);
  }

  /** Whether a resource may come; notes what excuses it. */
  #judge(type: XdsType, { name, version }: Resource): void {
    const isBehindCluster = type === "EDS" && this.#clusterSent.delete(name);
    const isKnown = this.#recorded[type].get(name) === version && !isBehindCluster;
    const isNamed = type === "RDS" || type === "ECDS" || type === "SDS"; // clusters and listeners come again to be let go of
    const isRefused = isNamed && this.#refused.get(`${type} ${name}`) === version;
    const isStuck = type === "CDS" && this.warming.has(name);
    if ((isKnown || isRefused) && !isStuck) {
      const excuses = this.#asked[type].get(name) ?? 0;
      if (excuses > 0) this.#asked[type].set(name, excuses - 1);
      else this.complaints.push(`${type} ${name}: ${isKnown ? "sent twice" : "refused, sent again"}`);
    }
    if (type === "CDS") this.#clusterSent.add(name);
  }

  /** @returns false where Envoy refuses it */
  #apply(type: XdsType, resource: Resource): boolean {
    const { name } = resource;
    const { isBad = false, cluster } = contentOf(resource);
    if (type === "CDS") return this.#applyCluster(resource, isBad);
    if (type !== "LDS" && !this.#subscribed[type].has(name)) return true; // thrown away, and acknowledged
    if (isBad) return false;
    this.live[type].set(name, resource);
    if (type === "RDS" && cluster !== undefined && this.#reliable.has(cluster) && !this.live.CDS.has(cluster)) {
      this.complaints.push(`RDS ${name}: before its cluster ${cluster}`);
    }
    if (type === "EDS") this.#fresh.add(name);
    if (type === "LDS") this.#resubscribe();
    return true;
  }

  #applyCluster(resource: Resource, isBad: boolean): boolean {
    const { name, version } = resource;
    if (this.warming.get(name)?.version === version) return true; // the same as the one it waits for: no update
    if (!this.warming.has(name) && this.live.CDS.get(name)?.version === version) return true;
    this.warming.set(name, resource);
    if (isBad) return false; // and it stays there
    this.#isPaused = this.#hasClusters;
    if (!this.#subscribed.EDS.has(name)) this.#subscribe("EDS", [name]);
    this.#fresh.delete(name);
    return true;
  }

  #remove(type: XdsType, name: string): void {
    if (type !== "CDS" && type !== "LDS") return;
    this.live[type].delete(name);
    this.#recorded[type].delete(name);
    if (type === "LDS") {
      this.#resubscribe();
      return;
    }
    for (const route of this.live.RDS.values()) {
      if (this.#reliable.has(name) && contentOf(route).cluster === name) {
        this.complaints.push(`CDS ${name}: removed before route ${route.name}`);
      }
    }
    this.warming.delete(name);
    this.#isPaused = this.warming.size > 0;
    this.#unsubscribe("EDS", [name]);
  }

  /** One request for each secret, once for all that use it; clusters need none before they have endpoints. */
  #askForSecrets(): void {
    const ready = [...this.warming.values()].filter((one) => this.#fresh.has(one.name) && !contentOf(one).isBad);
    const users = [...ready, ...this.live.CDS.values(), ...this.live.LDS.values()];
    const names = new Set(users.flatMap((user) => contentOf(user).secrets ?? []));
    for (const name of names) if (!this.#subscribed.SDS.has(name)) this.#subscribe("SDS", [name]);
    const unused = [...this.#subscribed.SDS].filter((name) => !names.has(name));
    this.#unsubscribe("SDS", unused);
  }

  #warmUp(): void {
    for (const [name, resource] of this.warming) {
      const { isBad, secrets = [] } = contentOf(resource);
      if (isBad || !this.#fresh.has(name) || !secrets.every((secret) => this.live.SDS.has(secret))) continue;
      this.warming.delete(name);
      this.live.CDS.set(name, resource);
      this.#isPaused = this.warming.size > 0;
    }
  }

  #answer(type: XdsType, nonce: string, bad: readonly Resource[]): void {
    const text =
      type === "CDS"
        ? `Error adding/updating cluster(s) ${bad.map(({ name }) => `${name}: no`).join(", ")}`
        : type === "LDS"
          ? `Error adding/updating listener(s) ${bad.map(({ name }) => `${name}: no\n`).join("")}`
          : "no";
    const errorDetail = bad.length > 0 ? { errorDetail: { code: 13, message: text } } : {};
    const answer = create(DeltaDiscoveryRequestSchema, {
      typeUrl: typeUrls[type],
      responseNonce: nonce,
      ...errorDetail,
    });
    if (type === "CDS") this.withheld.push(answer);
    else this.outgoing.push(answer);
    if (type === "CDS") this.#hasClusters = true;
    if (!this.#isPaused) this.outgoing.push(...this.withheld.splice(0));
    const isReady = [...this.warming.values()].every((one) => contentOf(one).isBad);
    if (this.#hasClusters && isReady && !this.#hasAskedListeners) {
      this.#hasAskedListeners = true;
      this.#say("LDS", {});
    }
  }

  /** Asks for what listeners name, and lets go of what none names any more. */
  #resubscribe(): void {
    const all = [...this.live.LDS.values()].map(contentOf);
    const wanted = { RDS: all.flatMap(({ routes = [] }) => routes), ECDS: all.flatMap(({ slots = [] }) => slots) };
    for (const type of ["RDS", "ECDS"] as const) {
      const names = new Set(wanted[type]);
      this.#subscribe(
        type,
        [...names].filter((name) => !this.#subscribed[type].has(name)),
      );
      this.#unsubscribe(
        type,
        [...this.#subscribed[type]].filter((name) => !names.has(name)),
      );
    }
  }

  #subscribe(type: XdsType, names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) {
      this.#subscribed[type].add(name);
      this.#excuse(type, name);
    }
    this.#say(type, { resourceNamesSubscribe: [...names] });
  }

  #unsubscribe(type: XdsType, names: readonly string[]): void {
    const known = names.filter((name) => this.#subscribed[type].delete(name));
    if (known.length === 0) return;
    for (const name of known) {
      this.live[type].delete(name);
      this.#recorded[type].delete(name);
    }
    this.#say(type, { resourceNamesUnsubscribe: known });
  }

  #say(
    type: XdsType,
    said: {
      resourceNamesSubscribe?: string[];
      resourceNamesUnsubscribe?: string[];
      initialResourceVersions?: Record<string, string>;
    },
  ): void {
    this.outgoing.push(create(DeltaDiscoveryRequestSchema, { typeUrl: typeUrls[type], ...said }));
  }
}
