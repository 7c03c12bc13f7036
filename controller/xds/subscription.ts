import type { DeltaDiscoveryRequest } from "../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { Delivery, Resource, XdsType } from "../model/resource.ts";
import type { Holding } from "./delta.ts";
import { blamed } from "./nack.ts";
import { peerText } from "./peer-text.ts";

/** Characters that are kept of why a proxy refuses a resource: they end up in the status of an object, which has limits. */
const reasonMax = 4000;

/** The parts of a request that the state of a stream depends on. */
export type Request = Pick<
  DeltaDiscoveryRequest,
  | "typeUrl"
  | "resourceNamesSubscribe"
  | "resourceNamesUnsubscribe"
  | "initialResourceVersions"
  | "responseNonce"
  | "errorDetail"
>;

/** What one response holds. */
export interface Batch {
  readonly resources: readonly Resource[];
  readonly removed: readonly string[];
}

export interface Refusal {
  readonly resource: Resource;
  /** Envoy's words about this resource, or all it said where it names none. */
  readonly reason: string;
  /** Version that still serves; absent if none is known. */
  readonly live?: string;
}

/** What a proxy made of a response. */
export type Verdict =
  | (Batch & { readonly kind: "acked"; readonly type: XdsType; readonly nonce: string; readonly atMs: number })
  | {
      readonly kind: "nacked";
      readonly type: XdsType;
      readonly nonce: string;
      readonly atMs: number;
      /** The whole text of the NACK. */
      readonly reason: string;
      /** Empty where it isn't known yet which of several resources is meant: they are sent again in smaller responses. */
      readonly refused: readonly Refusal[];
    };

/** One resource type on one stream: what the proxy asked for, what it was sent, and what it made of that. */
export class Subscription implements Holding {
  readonly type: XdsType;
  wildcard = false;
  readonly names = new Set<string>();
  readonly asked = new Set<string>();
  readonly has = new Map<string, Delivery>();
  /** The proxy has asked for this type on this stream. */
  isRequested = false;
  /** It said then that it has resources of this type from an earlier stream. */
  isResumed = false;
  /** A response is due even if it is empty. */
  owesAnswer = false;
  /** Something of this type was sent or reported. */
  isDelivered = false;
  /** Time of the last ACK, or of the report of what the proxy has. */
  lastAckMs: number | undefined;
  /** To be sent again, each in a response of its own, after a NACK of a response that held them with others. */
  readonly #resends: Batch[] = [];
  /** Subscribed since the stream last looked. */
  readonly #subscribed = new Set<string>();
  /** Clusters that Envoy refused and must be made to let go of. */
  readonly #ghosts: string[] = [];
  #isAdopted = false;
  readonly #unanswered = new Map<string, Batch>();
  /** What serves, as far as it is known: the version, and the resource where this stream or the snapshot had it. */
  readonly #live = new Map<string, { readonly version: string; readonly resource?: Resource }>();

  constructor(type: XdsType) {
    this.type = type;
  }

  /** A response was neither acknowledged nor refused yet. */
  get isUnanswered(): boolean {
    return this.#unanswered.size > 0;
  }

  /** … one that changes something. */
  get isPending(): boolean {
    return [...this.#unanswered.values()].some(({ resources, removed }) => resources.length + removed.length > 0);
  }

  isSubscribed(name: string): boolean {
    return this.wildcard || this.names.has(name);
  }

  /** @returns what the request says of an earlier response, if it says anything */
  receive(request: Request, nowMs: number): Verdict | undefined {
    // The answer to something sent unasked is no request for everything, though it names nothing either.
    const isRequest = request.responseNonce === "" || request.resourceNamesSubscribe.length > 0;
    if (isRequest && !this.isRequested) this.#begin(request, nowMs);
    for (const name of request.resourceNamesSubscribe) this.#subscribe(name, request.initialResourceVersions);
    for (const name of request.resourceNamesUnsubscribe) this.#unsubscribe(name);
    // A nonce that isn't among the unanswered was answered before: nothing is left to learn from it.
    const batch = this.#unanswered.get(request.responseNonce);
    if (batch === undefined) return undefined;
    this.#unanswered.delete(request.responseNonce);
    const about = { type: this.type, nonce: request.responseNonce, atMs: nowMs };
    if (request.errorDetail === undefined) {
      this.#ack(batch, about);
      return { kind: "acked", ...about, ...batch };
    }
    const reason = request.errorDetail.message;
    return { kind: "nacked", ...about, reason, refused: this.#nack(batch, { nonce: about.nonce, reason }) };
  }

  /** Names subscribed since the last call. */
  takeSubscribed(): readonly string[] {
    const names = [...this.#subscribed];
    this.#subscribed.clear();
    return names;
  }

  /** The batches that a NACK made necessary; each is returned once. */
  takeResends(): readonly Batch[] {
    return this.#resends.splice(0);
  }

  /**
   * A cluster that Envoy refused for its content stays among its warming ones: from the next change of any cluster on,
   * the answers to all responses with clusters are withheld, and the refused bytes, sent once more, are acknowledged
   * (seen in 1.40). The version that serves, or a removal where none does, makes Envoy let go of it.
   *
   * @returns what does that, each cluster once; a cluster whose serving version only the proxy knows is left out
   */
  takeReleases(): readonly Batch[] {
    return this.#ghosts.splice(0).flatMap((name): Batch[] => {
      const live = this.#live.get(name);
      if (live === undefined) return [{ resources: [], removed: [name] }];
      return live.resource === undefined ? [] : [{ resources: [live.resource], removed: [] }];
    });
  }

  /** Notes that a response has gone out that changes nothing of what the proxy should have: its answer says nothing. */
  released(nonce: string): void {
    this.#unanswered.set(nonce, { resources: [], removed: [] });
  }

  /** Takes the resources of versions that the proxy reported from the first snapshot, where that has them. */
  adopt(snapshot: ReadonlyMap<string, Resource>): void {
    if (!this.isResumed || this.#isAdopted) return;
    this.#isAdopted = true;
    for (const [name, { state, version }] of this.has) {
      const resource = snapshot.get(name);
      if (state === "acked" && resource?.version === version) this.#live.set(name, { version, resource });
    }
  }

  /** Notes that a response has gone out. */
  sent({ resources, removed }: Batch, { nonce, atMs }: { readonly nonce: string; readonly atMs: number }): void {
    this.#unanswered.set(nonce, { resources, removed });
    this.owesAnswer = false;
    this.isDelivered = true;
    for (const { name, version } of resources) {
      this.#keepLive(name);
      this.asked.delete(name);
      this.has.set(name, { state: "sent", version, nonce, sentAtMs: atMs });
    }
    for (const name of removed) {
      this.asked.delete(name);
      this.#forget(name);
    }
  }

  /** Notes that a resource is not sent, for a reason that the proxy would refuse it for. */
  refuse({ name, version }: Resource, reason: string): Refusal["live"] {
    this.#keepLive(name);
    this.asked.delete(name);
    const live = this.#live.get(name)?.version;
    this.has.set(name, { state: "nacked", version, reason, ...(live !== undefined && { live }) });
    return live;
  }

  #begin({ resourceNamesSubscribe, initialResourceVersions }: Request, nowMs: number): void {
    this.isRequested = true;
    const reported = Object.entries(initialResourceVersions);
    if (resourceNamesSubscribe.length === 0 && (this.type === "CDS" || this.type === "LDS")) this.wildcard = true;
    this.owesAnswer = this.wildcard && reported.length === 0;
    if (reported.length === 0) return;
    this.isResumed = true;
    this.isDelivered = true;
    this.lastAckMs = nowMs;
    for (const [name, version] of reported) {
      if (this.has.has(name)) continue; // sent on this stream, before it asked
      this.has.set(name, { state: "acked", version, ackedAtMs: nowMs });
    }
  }

  #subscribe(name: string, reported: Request["initialResourceVersions"]): void {
    if (name === "*") {
      this.wildcard = true;
      this.owesAnswer = this.has.size === 0;
      return;
    }
    this.names.add(name);
    this.#subscribed.add(name);
    // What was sent before the proxy asked for it was thrown away, though acknowledged. Only its own report counts.
    if (!Object.hasOwn(reported, name)) this.asked.add(name);
  }

  #unsubscribe(name: string): void {
    if (name === "*") {
      this.wildcard = false;
      for (const other of [...this.has.keys()]) if (!this.names.has(other)) this.#forget(other);
      return;
    }
    this.names.delete(name);
    this.#subscribed.delete(name);
    this.asked.delete(name);
    this.#forget(name);
    if (this.wildcard) this.asked.add(name); // it is still covered, so the proxy must be told what it is
  }

  #ack({ resources }: Batch, { nonce, atMs }: { readonly nonce: string; readonly atMs: number }): void {
    this.lastAckMs = atMs;
    for (const resource of resources) {
      const { name, version } = resource;
      const delivery = this.has.get(name);
      if (delivery === undefined) continue;
      this.#live.set(name, { version, resource });
      if (delivery.state !== "sent" || delivery.nonce !== nonce) continue; // a newer one is under way
      if (this.isSubscribed(name)) this.has.set(name, { state: "acked", version, ackedAtMs: atMs });
      else this.#forget(name); // the proxy never wanted it: its ACK proves nothing
    }
  }

  /**
   * Envoy applies the good part of a refused response, but doesn't remember its versions, and would report older ones
   * when it reconnects. So the good part goes out once more. Where the text doesn't say which part is bad (then all may
   * have been refused, or some never looked at), both halves go out again, until a response with one resource is refused.
   */
  #nack({ resources, removed }: Batch, { nonce, reason }: { nonce: string; reason: string }): Refusal[] {
    const current = resources.filter(({ name }) => {
      const delivery = this.has.get(name);
      if (delivery?.state !== "sent" || delivery.nonce !== nonce) return false; // a newer one is under way
      if (!this.isSubscribed(name)) this.#forget(name);
      return this.isSubscribed(name);
    });
    const names = resources.map(({ name }) => name);
    const told = blamed(this.type, reason, names);
    const why = told.size === 0 && names.length === 1 ? new Map(names.map((name) => [name, reason])) : told;
    if (why.size === 0 && resources.length > 0) {
      const middle = Math.ceil(current.length / 2);
      this.#resend({ resources: current.slice(0, middle), removed });
      this.#resend({ resources: current.slice(middle), removed: [] });
      return [];
    }
    if (resources.length > 0) this.#resend({ resources: current.filter(({ name }) => !why.has(name)), removed });
    return resources.flatMap((resource) => {
      const said = why.get(resource.name);
      if (said === undefined) return [];
      const text = peerText(said, reasonMax);
      const isCurrent = current.includes(resource);
      if (isCurrent && this.type === "CDS") this.#ghosts.push(resource.name);
      const live = isCurrent ? this.refuse(resource, text) : this.#live.get(resource.name)?.version;
      return [{ resource, reason: text, ...(live !== undefined && { live }) }];
    });
  }

  #resend(batch: Batch): void {
    if (batch.resources.length + batch.removed.length > 0) this.#resends.push(batch);
  }

  #keepLive(name: string): void {
    const delivery = this.has.get(name);
    if (delivery?.state !== "acked" || this.#live.get(name)?.version === delivery.version) return;
    this.#live.set(name, { version: delivery.version });
  }

  #forget(name: string): void {
    this.has.delete(name);
    this.#live.delete(name);
  }
}
