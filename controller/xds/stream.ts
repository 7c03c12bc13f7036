// One delta ADS stream as a state machine without I/O. It is level-triggered: `receive` and `aim` only note what the
// proxy said and what it should have; `flush` says what must be sent for the two to meet. So a caller whose connection
// is slow can flush later, and then sends the newest state only.
//
// No response waits for an ACK: Envoy withholds those of clusters while any cluster warms, and a cluster warms until
// its endpoints are sent.
import { type Resource, typeUrls, type XdsType } from "../model/resource.ts";
import { current } from "./current.ts";
import { type Deny, delta, isNamed, type Target } from "./delta.ts";
import { Outbox, type Output, type StreamEvent } from "./outbox.ts";
import { type Batch, type Request, Subscription } from "./subscription.ts";
import { type TypeStatus, typeStatus } from "./type-status.ts";

/**
 * Add before use, remove after it: secrets go before what is secured by them; a route must not arrive before its cluster,
 * nor that before its endpoints; clusters are removed at the very end. Filters go before what brings traffic to them,
 * listeners and routes.
 */
const sendOrder = { first: ["SDS"], behindClusters: ["EDS", "ECDS", "LDS", "RDS"] } as const;

/** Responses that a change of clusters is spread over at most: 1,000 clusters make 64 and not 1,000. */
const clusterPartsMax = 64;

const typeOf = new Map((Object.keys(typeUrls) as XdsType[]).map((type) => [typeUrls[type] as string, type]));

export class DeltaStream {
  readonly #deny: Deny;
  readonly #subscriptions = new Map<XdsType, Subscription>();
  #target: Target | undefined;
  #nonces = 0;
  /** The proxy has answered something on this stream. It sends its first requests of all types before that. */
  #hasAnswered = false;
  /** Something came in that may make a response necessary. */
  #isDue = false;
  readonly #unsupported: { readonly typeUrl: string; readonly names: readonly string[] }[] = [];

  constructor(deny: Deny) {
    this.#deny = deny;
  }

  /** Sets what the proxy should have. Until the first call nothing is sent. */
  aim(target: Target): void {
    this.#target = target;
    this.#isDue = true;
  }

  /** Takes a request in; whatever it makes necessary is in the next flush. */
  receive(request: Request, nowMs: number): readonly StreamEvent[] {
    // Most requests are plain ACKs; looking for differences after each of them would double the work.
    if (!isAck(request) || !this.#hasAnswered) this.#isDue = true;
    if (request.responseNonce !== "") this.#hasAnswered = true;
    const type = typeOf.get(request.typeUrl);
    if (type === undefined) {
      const names = request.resourceNamesSubscribe;
      if (names.length === 0) return [];
      this.#unsupported.push({ typeUrl: request.typeUrl, names });
      return [{ kind: "unsupported", typeUrl: request.typeUrl, names }];
    }
    const verdict = this.#subscription(type).receive(request, nowMs);
    return verdict === undefined ? [] : [verdict];
  }

  /** All that must be sent now. A second call without an input in between returns nothing. */
  flush(nowMs: number): Output {
    const outbox = new Outbox({ nextNonce: () => String(++this.#nonces), nowMs });
    for (const { typeUrl, names } of this.#unsupported.splice(0)) outbox.deny(typeUrl, names);
    const target = this.#target;
    if (target === undefined || !this.#isDue) return outbox;
    this.#isDue = false;
    this.#flushTypes(sendOrder.first, target, outbox);
    const vanishedClusters = this.#flushClusters(target, outbox);
    this.#flushTypes(sendOrder.behindClusters, target, outbox);
    this.#removeClusters(vanishedClusters, outbox);
    return outbox;
  }

  /** What stands of each type, for proxy-status. */
  status(type: XdsType): TypeStatus {
    return typeStatus(this.#subscriptions.get(type), this.#target?.snapshot[type]);
  }

  #flushTypes(types: readonly XdsType[], target: Target, outbox: Outbox): void {
    for (const type of types) {
      const subscription = this.#subscriptions.get(type);
      if (subscription === undefined) continue;
      for (const batch of subscription.takeResends()) outbox.send(subscription, stillDue(batch, subscription, target));
      outbox.send(subscription, delta(type, subscription, target, this.#deny));
      if (subscription.owesAnswer) outbox.answer(subscription);
    }
  }

  /** @returns clusters that are to be removed when all else is sent */
  #flushClusters(target: Target, outbox: Outbox): readonly string[] {
    const clusters = this.#subscriptions.get("CDS");
    if (clusters === undefined) return [];
    clusters.adopt(target.snapshot.CDS);
    for (const batch of clusters.takeReleases()) {
      outbox.release(clusters, batch);
      this.#sendEndpoints(batch.resources, target, outbox);
    }
    for (const batch of clusters.takeResends()) {
      this.#sendClusters(clusters, stillDue(batch, clusters, target).resources, { target, outbox });
    }
    // Who asks for endpoints has their cluster, though it may not report it: Envoy forgets what was in a refused response.
    for (const name of this.#subscriptions.get("EDS")?.takeSubscribed() ?? []) {
      const isKnown = clusters.has.has(name) || target.snapshot.CDS.has(name) || target.keep?.CDS?.has(name);
      if (clusters.wildcard && !isKnown) clusters.asked.add(name);
    }
    const { resources, removed } = delta("CDS", clusters, target, this.#deny);
    this.#sendClusters(clusters, resources, { target, outbox });
    if (clusters.owesAnswer) outbox.answer(clusters);
    return removed;
  }

  /**
   * Each cluster goes in a response of its own with its endpoints right behind it, so that it is warm before the next
   * comes: were another one warming, Envoy would withhold its refusal, and then for ever. Those without endpoints go
   * last, because what they wait for (DNS) takes longer. A large change goes in larger parts.
   *
   * A proxy that starts up gets all clusters in one response: it asks for endpoints itself, answers before they are
   * warm, and asks for listeners only then.
   */
  #sendClusters(
    clusters: Subscription,
    resources: readonly Resource[],
    { target, outbox }: { readonly target: Target; readonly outbox: Outbox },
  ): void {
    if (!this.#isResumed && !this.#subscriptions.has("EDS")) {
      outbox.send(clusters, { resources, removed: [] });
      return;
    }
    const hasEndpoints = ({ name }: Resource): boolean => target.snapshot.EDS.has(name);
    const ordered = [...resources.filter(hasEndpoints), ...resources.filter((one) => !hasEndpoints(one))];
    const size = Math.ceil(ordered.length / clusterPartsMax);
    for (let at = 0; at < ordered.length; at += size) {
      const part = ordered.slice(at, at + size);
      outbox.send(clusters, { resources: part, removed: [] });
      this.#sendEndpoints(part, target, outbox);
    }
  }

  /**
   * Envoy warms a changed cluster until its endpoints come, but doesn't ask for those it has; and a route that is sent
   * behind a new cluster needs the endpoints there first.
   */
  #sendEndpoints(of: readonly Resource[], { snapshot, keep }: Target, outbox: Outbox): void {
    const resources = of.flatMap(({ name }) => (keep?.EDS?.has(name) ? [] : (current("EDS", name, snapshot) ?? [])));
    outbox.send(this.#subscription("EDS"), { resources, removed: [] });
  }

  /**
   * On a stream that resumes, routes to a cluster that is gone are replaced when the proxy asks for routes, after
   * clusters. The removal waits for the first answer of any kind: by then all first requests are in. Should nothing be
   * under way that can be answered, an empty response asks for one; one of listeners, whose answer is never withheld.
   */
  #removeClusters(names: readonly string[], outbox: Outbox): void {
    const clusters = this.#subscriptions.get("CDS");
    if (clusters === undefined || names.length === 0) return;
    if (!this.#isResumed || this.#hasAnswered) outbox.send(clusters, { resources: [], removed: names });
    else if (![...this.#subscriptions.values()].some((one) => one.isUnanswered)) {
      outbox.release(this.#subscription("LDS"), { resources: [], removed: [] });
    }
  }

  /** The proxy has been served before. It may report no cluster even so: those of a refused response it forgets. */
  get #isResumed(): boolean {
    return [...this.#subscriptions.values()].some((one) => one.isResumed);
  }

  #subscription(type: XdsType): Subscription {
    let found = this.#subscriptions.get(type);
    if (found === undefined) {
      found = new Subscription(type);
      this.#subscriptions.set(type, found);
    }
    return found;
  }
}

/** Acknowledges a response and says nothing else. */
function isAck({ responseNonce, errorDetail, resourceNamesSubscribe, resourceNamesUnsubscribe }: Request): boolean {
  const names = resourceNamesSubscribe.length + resourceNamesUnsubscribe.length;
  return responseNonce !== "" && errorDetail === undefined && names === 0;
}

/** What of a batch is still right; what has changed since is in the delta. */
function stillDue({ resources, removed }: Batch, subscription: Subscription, { snapshot }: Target): Batch {
  const { type, has } = subscription;
  return {
    resources: resources.filter(({ name, version }) => {
      if (has.get(name)?.version !== version) return false;
      const now = current(type, name, snapshot);
      return now === undefined ? isNamed(type) : now.version === version;
    }),
    removed: removed.filter((name) => !has.has(name) && !snapshot[type].has(name)),
  };
}
