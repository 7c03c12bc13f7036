import type { AdmissionRefusal, Admit, Admitted } from "../model/admission.ts";
import type { Identity } from "../model/identity.ts";
import { secretNames } from "../model/names.ts";
import { type Proxy, proxyName } from "../model/proxy.ts";
import { typeUrls, type XdsType } from "../model/resource.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Deny, Target } from "./delta.ts";
import { encodeResponse } from "./encode.ts";
import type { StreamEvent } from "./outbox.ts";
import { DeltaStream } from "./stream.ts";
import type { Request } from "./subscription.ts";
import type { TypeStatus } from "./type-status.ts";

/**
 * A proxy is served for this long after its pod is gone, in ms: one that drains still needs to hear of endpoints, and a pod
 * that comes back, as one may when a source is read anew, cuts nobody.
 */
const graceMs = 60_000;

/** What happened on one connection. `connection` tells apart two that name the same proxy, as around a reconnect. */
export type XdsEvent = { readonly connection: number; readonly proxy: Proxy } & (
  | { readonly kind: "connected"; readonly atMs: number }
  | { readonly kind: "disconnected"; readonly atMs: number }
  | StreamEvent
);

/** A connected proxy, for proxy-status. */
export interface ProxyState {
  readonly connection: number;
  readonly proxy: Proxy;
  readonly identity: Identity;
  readonly connectedAtMs: number;
  readonly types: Readonly<Record<XdsType, TypeStatus>>;
}

export interface XdsOptions {
  /** Whether a proxy that connects is served, for how long, and as whom. */
  readonly admit: Admit;
  /**
   * All that a proxy should have now; asked when it connects and after each push. Should it throw, that is logged, and
   * the proxy is left with what it has.
   */
  readonly targetFor: (proxy: Proxy, identity: Identity) => Target;
  readonly deny: Deny;
  /** Called as things happen, from within the server: must not throw. */
  readonly onEvent: (event: XdsEvent) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Name of this process in Envoy's stat `control_plane.identifier`. */
  readonly identifier: string;
}

export interface ConnectionOptions extends Omit<XdsOptions, "admit">, Omit<Admitted, "untilMs"> {
  readonly connection: number;
  /** Tells the log what the proxy does, of which it may do much. */
  readonly warn: (text: string) => void;
  /** Sends one message; calls `done` when the transport has taken it and would take more. */
  readonly write: (message: Uint8Array, done: () => void) => void;
  /** Ends the stream with a status. */
  readonly refuse: (refusal: AdmissionRefusal) => void;
}

/**
 * One proxy's stream between state machine and wire. While the wire has not taken what was written, nothing more is
 * computed: then the newest state is, and what lay between is never sent. Ends when its pod has been gone for a minute.
 */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #stream: DeltaStream;
  readonly #connectedAtMs: number;
  #isOutdated = true;
  #isOpen = true;
  #writing = 0;
  /** Set while the pod is gone: keeps the stream from ending. */
  #cancelEnd: (() => void) | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#stream = new DeltaStream(options.deny);
    this.#connectedAtMs = options.clock.nowMs();
    this.#emit({ kind: "connected", atMs: this.#connectedAtMs });
    this.#heedPod();
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  receive(request: Request): void {
    const secret = foreignSecret(request);
    if (secret !== undefined) {
      const own = Object.values(secretNames).join(" and ");
      const message = `secret ${JSON.stringify(secret)} is not this proxy's: it may ask for ${own}`;
      this.#options.refuse({ code: "PERMISSION_DENIED", message });
      return;
    }
    for (const event of this.#stream.receive(request, this.#options.clock.nowMs())) this.#emit(event);
    this.#flush();
  }

  /** What the proxy should have may have changed, or whether its pod stands. */
  push(): void {
    this.#heedPod();
    this.#isOutdated = true;
    this.#flush();
  }

  /** The stream has ended. May be called twice. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelEnd?.();
    this.#emit({ kind: "disconnected", atMs: this.#options.clock.nowMs() });
  }

  state(): ProxyState {
    const { connection, proxy, identity } = this.#options;
    const types = {
      CDS: this.#stream.status("CDS"),
      LDS: this.#stream.status("LDS"),
      EDS: this.#stream.status("EDS"),
      RDS: this.#stream.status("RDS"),
      ECDS: this.#stream.status("ECDS"),
      SDS: this.#stream.status("SDS"),
    };
    return { connection, proxy, identity, connectedAtMs: this.#connectedAtMs, types };
  }

  #heedPod(): void {
    const { isStanding, clock, proxy, refuse } = this.#options;
    if (isStanding()) {
      this.#cancelEnd?.();
      this.#cancelEnd = undefined;
    } else if (this.#isOpen) {
      const message = `pod ${proxyName(proxy)} is gone`;
      this.#cancelEnd ??= clock.after(graceMs, () => refuse({ code: "PERMISSION_DENIED", message }));
    }
  }

  #flush(): void {
    if (!this.#isOpen || this.#writing > 0) return;
    if (this.#isOutdated) this.#aim();
    const { clock, identifier, write } = this.#options;
    const { responses, events } = this.#stream.flush(clock.nowMs());
    this.#writing += responses.length;
    for (const response of responses) write(encodeResponse(response, identifier), () => this.#written());
    for (const event of events) this.#emit(event);
  }

  #written(): void {
    this.#writing -= 1;
    this.#flush();
  }

  #aim(): void {
    const { targetFor, proxy, identity, log } = this.#options;
    this.#isOutdated = false;
    try {
      this.#stream.aim(targetFor(proxy, identity));
    } catch (error) {
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error(`${proxyName(proxy)}: its configuration could not be computed, it keeps what it has: ${why}`);
    }
  }

  #emit(event: StreamEvent | { readonly kind: "connected" | "disconnected"; readonly atMs: number }): void {
    const { connection, proxy, onEvent, warn } = this.#options;
    if (event.kind === "unsupported")
      warn(`${proxyName(proxy)}: asks for ${event.typeUrl}, which is not served: ${event.names}`);
    onEvent({ connection, proxy, ...event });
  }
}

/** A secret that a request asks for and that is none of those that every proxy has of its own. */
function foreignSecret({ typeUrl, resourceNamesSubscribe }: Request): string | undefined {
  const own: readonly string[] = Object.values(secretNames);
  return typeUrl === typeUrls.SDS ? resourceNamesSubscribe.find((name) => !own.includes(name)) : undefined;
}
