// One delta ADS stream as a state machine without I/O. It is level-triggered: `receive` and `aim` only note what the
// proxy said and what it should have; `flush` says what must be sent for the two to meet. So a caller whose connection
// is slow can flush later, and then sends the newest state only.
//
// No response waits for an ACK: Envoy withholds those of clusters while any cluster warms, and a cluster warms until
// its endpoints are sent.
import { typeUrls, type XdsType } from "../model/resource.ts";
import { type Deny, delta, isNamed, type Target } from "./delta.ts";
import { Outbox, type Output, type StreamEvent } from "./outbox.ts";
import { type Batch, type Request, Subscription } from "./subscription.ts";
import { type TypeStatus, typeStatus } from "./type-status.ts";

/**
 * Add before use, remove after it: a route must not arrive before its cluster, nor that before its endpoints; clusters
 * are removed at the very end. Filters go before what brings traffic to them, listeners and routes.
 */
const sendOrder = ["CDS", "EDS", "ECDS", "LDS", "RDS"] as const satisfies readonly XdsType[];

const typeOf = new Map<string, XdsType>(sendOrder.map((type) => [typeUrls[type], type]));

export class DeltaStream {
  readonly #deny: Deny;
  readonly #subscriptions = new Map<XdsType, Subscription>();
  #target: Target | undefined;
  #nonces = 0;
  /** The proxy has answered something on this stream. It sends its first requests of all types before that. */
  #hasAnswered = false;
  #unsupported: { readonly typeUrl: string; readonly names: readonly string[] }[] = [];

  constructor(deny: Deny) {
    this.#deny = deny;
  }

  /** Sets what the proxy should have. Until the first call nothing is sent. */
  aim(target: Target): void {
    this.#target = target;
  }

  /** Takes a request in; whatever it makes necessary is in the next flush. */
  receive(request: Request, nowMs: number): readonly StreamEvent[] {
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
    if (target === undefined) return outbox;
    let vanishedClusters: readonly string[] = [];
    for (const type of sendOrder) {
      const subscription = this.#subscriptions.get(type);
      if (subscription === undefined) continue;
      for (const batch of subscription.takeResends()) outbox.send(subscription, stillDue(batch, subscription, target));
      const { changed, removed } = delta(type, subscription, target, this.#deny);
      if (type === "CDS") vanishedClusters = removed;
      outbox.send(subscription, { resources: changed, removed: type === "CDS" ? [] : removed });
      if (subscription.owesAnswer) outbox.answer(subscription);
      if (type === "CDS") this.#oweEndpoints(subscription, outbox, target);
    }
    const clusters = this.#subscriptions.get("CDS");
    if (clusters !== undefined) this.#remove(clusters, vanishedClusters, outbox);
    return outbox;
  }

  /** What stands of each type, for proxy-status. */
  status(type: XdsType): TypeStatus {
    return typeStatus(this.#subscriptions.get(type), this.#target?.snapshot[type]);
  }

  /**
   * Envoy warms a changed cluster until its endpoints come, but doesn't ask for those it has; and a route that is sent
   * behind a new cluster finds it only if the endpoints are there first. A proxy that starts up asks for them, and for
   * listeners only when it has them.
   */
  #oweEndpoints(clusters: Subscription, { responses }: Output, { snapshot, keep }: Target): void {
    if (!clusters.isResumed && !this.#subscriptions.has("EDS")) return;
    const sent = responses.filter(({ typeUrl }) => typeUrl === typeUrls.CDS).flatMap(({ resources }) => resources);
    for (const { name } of sent) {
      if (snapshot.EDS.has(name) && !keep?.EDS?.has(name)) this.#subscription("EDS").asked.add(name);
    }
  }

  /**
   * On a stream that resumes, routes to a cluster that is gone are replaced when the proxy asks for routes, after
   * clusters. The removal waits for the first answer of any kind: by then all first requests are in. Should nothing be
   * under way that can be answered, an empty response asks for one.
   */
  #remove(clusters: Subscription, vanished: readonly string[], outbox: Outbox): void {
    if (vanished.length === 0) return;
    if (!clusters.isResumed || this.#hasAnswered) outbox.send(clusters, { resources: [], removed: vanished });
    else if (![...this.#subscriptions.values()].some((one) => one.isUnanswered)) outbox.answer(clusters);
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

/** What of a batch is still right; what has changed since is in the delta. */
function stillDue({ resources, removed }: Batch, subscription: Subscription, { snapshot }: Target): Batch {
  const { type, has } = subscription;
  return {
    resources: resources.filter(({ name, version }) => {
      if (has.get(name)?.version !== version) return false;
      const current = snapshot[type].get(name);
      return current === undefined ? isNamed(type) : current.version === version;
    }),
    removed: removed.filter((name) => !has.has(name) && !snapshot[type].has(name)),
  };
}
