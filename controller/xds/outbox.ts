import { type Resource, typeUrls, type XdsType } from "../model/resource.ts";
import type { Batch, Subscription, Verdict } from "./subscription.ts";

export interface Response extends Batch {
  readonly typeUrl: string;
  readonly nonce: string;
}

export type StreamEvent =
  | Verdict
  | (Batch & { readonly kind: "sent"; readonly type: XdsType; readonly nonce: string; readonly atMs: number })
  /** Envoy asks for resources of a type that this server has none of: `names` are answered as not existing. */
  | { readonly kind: "unsupported"; readonly typeUrl: string; readonly names: readonly string[] };

export interface Output {
  /** In the order in which they must reach the proxy. */
  readonly responses: readonly Response[];
  readonly events: readonly StreamEvent[];
}

/** Both ends of a stream accept gRPC messages up to this size (gRPC's own default is 4 MiB; a module may be larger). */
export const messageBytesMax = 64 << 20;
/** What a response holds beside the body of its only resource is far below 1 MiB. */
const bodyBytesMax = messageBytesMax - (1 << 20);
/** A response of several resources is split above this, so that no sum of allowed bodies passes the limit. */
const batchBytesMax = 16 << 20;

/** Gathers the responses of one flush, and notes them in the subscriptions they belong to. */
export class Outbox implements Output {
  readonly responses: Response[] = [];
  readonly events: StreamEvent[] = [];
  readonly #nextNonce: () => string;
  readonly #nowMs: number;

  constructor({ nextNonce, nowMs }: { readonly nextNonce: () => string; readonly nowMs: number }) {
    this.#nextNonce = nextNonce;
    this.#nowMs = nowMs;
  }

  /** Sends a batch, in several responses where it is large; nothing where it is empty. */
  send(subscription: Subscription, { resources, removed }: Batch): void {
    const sendable = resources.filter((resource) => this.#fits(subscription, resource));
    const [first = [], ...rest] = split(sendable);
    if (first.length + removed.length > 0) this.#send(subscription, { resources: first, removed });
    for (const part of rest) this.#send(subscription, { resources: part, removed: [] });
  }

  /** Sends a response that is not part of what the proxy should have. */
  release(subscription: Subscription, batch: Batch): void {
    const nonce = this.#nextNonce();
    subscription.released(nonce);
    this.#put(subscription, batch, { nonce, atMs: this.#nowMs });
  }

  /** Sends a response that holds nothing: "that is all there is". */
  answer(subscription: Subscription): void {
    this.#send(subscription, { resources: [], removed: [] });
  }

  /** Tells that resources of a type without a subscription don't exist. */
  deny(typeUrl: string, names: readonly string[]): void {
    this.responses.push({ typeUrl, nonce: this.#nextNonce(), resources: [], removed: names });
  }

  #send(subscription: Subscription, batch: Batch): void {
    const sent = { nonce: this.#nextNonce(), atMs: this.#nowMs };
    subscription.sent(batch, sent);
    this.#put(subscription, batch, sent);
  }

  #put(subscription: Subscription, batch: Batch, sent: { readonly nonce: string; readonly atMs: number }): void {
    this.responses.push({ typeUrl: typeUrls[subscription.type], nonce: sent.nonce, ...batch });
    this.events.push({ kind: "sent", type: subscription.type, ...sent, ...batch });
  }

  /** A message above the limit would end the stream, with each reconnect anew: it is refused here, by itself. */
  #fits(subscription: Subscription, resource: Resource): boolean {
    const sizeBytes = resource.body.length;
    if (sizeBytes <= bodyBytesMax) return true;
    const reason = `is ${sizeBytes} bytes; one resource may have ${bodyBytesMax}`;
    const live = subscription.refuse(resource, reason);
    const refused = [{ resource, reason, ...(live !== undefined && { live }) }];
    const about = { type: subscription.type, nonce: "", atMs: this.#nowMs, reason, refused };
    this.events.push({ kind: "nacked", ...about });
    return false;
  }
}

function split(resources: readonly Resource[]): Resource[][] {
  const parts: Resource[][] = [];
  let partBytes = Number.POSITIVE_INFINITY;
  for (const resource of resources) {
    const sizeBytes = resource.body.length + resource.name.length;
    if (partBytes + sizeBytes > batchBytesMax) {
      parts.push([]);
      partBytes = 0;
    }
    parts.at(-1)?.push(resource);
    partBytes += sizeBytes;
  }
  return parts;
}
