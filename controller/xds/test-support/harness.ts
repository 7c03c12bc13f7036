import { create } from "@bufbuild/protobuf";
import { DeltaDiscoveryRequestSchema } from "../../gen/envoy/service/discovery/v3/discovery_pb.js";
import type { Ref } from "../../model/object.ts";
import { type Resource, typeUrls, type XdsType } from "../../model/resource.ts";
import { current } from "../current.ts";
import type { Deny, Target } from "../delta.ts";
import type { Output, Response, StreamEvent } from "../outbox.ts";
import { DeltaStream } from "../stream.ts";
import type { TypeStatus } from "../type-status.ts";

/** A snapshot in short: `{ CDS: "a@1 b@2", RDS: "80@1" }`, each `name@version`; `keep` in the same form, names only. */
export type Wish = { readonly [T in XdsType]?: string } & { readonly keep?: { readonly [T in XdsType]?: string } };

export function resource(type: XdsType, name: string, version: string, owners: readonly Ref[] = []): Resource {
  return { type, name, version, owners, body: new TextEncoder().encode(`${name}@${version}`) };
}

export const deny: Deny = (type, name) => resource(type, name, "deny");

export function target(wish: Wish): Target {
  const of = (type: XdsType): [string, Resource][] =>
    words(wish[type]).map((word) => {
      const [name = "", version = ""] = word.split("@");
      return [name, resource(type, name, version)];
    });
  const snapshot = {
    CDS: new Map(of("CDS")),
    EDS: new Map(of("EDS")),
    LDS: new Map(of("LDS")),
    RDS: new Map(of("RDS")),
    ECDS: new Map(of("ECDS")),
    SDS: new Map(of("SDS")),
  };
  const kept = Object.entries(wish.keep ?? {}).map(([type, names]) => [type, new Set(words(names))]);
  return { snapshot, keep: Object.fromEntries(kept) };
}

export interface Ask {
  readonly subscribe?: string;
  readonly unsubscribe?: string;
  /** `a@1 b@2` */
  readonly initial?: string;
}

/** One stream, driven and read in short text. */
export class Driver {
  readonly stream: DeltaStream;
  readonly events: StreamEvent[] = [];
  /** All responses so far. */
  readonly responses: Response[] = [];
  nowMs = 1000;

  /** @param wish what the proxy should have; absent: not known yet */
  constructor(wish?: Wish, denying: Deny = deny) {
    this.stream = new DeltaStream(denying);
    if (wish !== undefined) this.stream.aim(target(wish));
  }

  /** Sets what the proxy should have, and returns what is sent. */
  aim(wish: Wish): string[] {
    this.stream.aim(target(wish));
    return this.flush();
  }

  /** A request that is no answer, and returns what is sent. */
  ask(type: XdsType | { readonly typeUrl: string }, ask: Ask = {}): string[] {
    this.receive({ typeUrl: typeof type === "string" ? typeUrls[type] : type.typeUrl, ask });
    return this.flush();
  }

  /** Acknowledges the latest response of a type that holds `name`, or the latest of the type. */
  ack(type: XdsType, name?: string): string[] {
    this.receive({ typeUrl: typeUrls[type], nonce: this.nonce(type, name) });
    return this.flush();
  }

  nack(type: XdsType, error: string, name?: string): string[] {
    this.receive({ typeUrl: typeUrls[type], nonce: this.nonce(type, name), error });
    return this.flush();
  }

  receive(said: {
    readonly typeUrl: string;
    readonly ask?: Ask;
    readonly nonce?: string;
    readonly error?: string;
  }): void {
    const { typeUrl, ask = {}, nonce = "", error } = said;
    const request = create(DeltaDiscoveryRequestSchema, {
      typeUrl,
      responseNonce: nonce,
      resourceNamesSubscribe: words(ask.subscribe),
      resourceNamesUnsubscribe: words(ask.unsubscribe),
      initialResourceVersions: Object.fromEntries(words(ask.initial).map((word) => word.split("@"))),
      ...(error !== undefined && { errorDetail: { code: 13, message: error } }),
    });
    this.events.push(...this.stream.receive(request, this.nowMs));
  }

  flush(): string[] {
    const { responses, events }: Output = this.stream.flush(this.nowMs);
    this.responses.push(...responses);
    this.events.push(...events);
    return responses.map(responseText);
  }

  nonce(type: XdsType, name?: string): string {
    const found = this.responses.findLast(
      ({ typeUrl, resources }) =>
        typeUrl === typeUrls[type] && (name === undefined || resources.some((one) => one.name === name)),
    );
    if (found === undefined) throw new Error(`no response of ${type} with ${name ?? "anything"} was sent`);
    return found.nonce;
  }

  status(type: XdsType): TypeStatus {
    return this.stream.status(type);
  }

  /** `a@1 acked`, `b@2 nacked, live 1`: what is known of each resource of a type. */
  delivered(type: XdsType): string[] {
    return this.status(type).delivered.map(({ name, delivery }) => {
      const live = delivery.state === "nacked" && delivery.live !== undefined ? `, live ${delivery.live}` : "";
      return `${name}@${shortVersion(type, delivery.version)} ${delivery.state}${live}`;
    });
  }
}

/** `CDS a@1 b@2 -c` */
function responseText({ typeUrl, resources, removed }: Response): string {
  const type = Object.entries(typeUrls).find(([, url]) => url === typeUrl)?.[0] ?? typeUrl;
  const sent = resources.map(({ name, version }) => `${name}@${shortVersion(type, version)}`);
  return [type, ...sent, ...removed.map((name) => `-${name}`)].join(" ");
}

/** Endpoints without the version of their cluster. */
function shortVersion(type: string, version: string): string {
  return type === "EDS" ? version.replace(/-.*/, "") : version;
}

function words(text = ""): string[] {
  return text.split(" ").filter((word) => word !== "");
}

/** A mesh of two services. */
export const shop: Wish = {
  CDS: "a@1 b@1",
  EDS: "a@1 b@1",
  LDS: "0.0.0.0_80@1",
  RDS: "80@1",
  ECDS: "outbound/authn@1",
};

/** A proxy that has all of `wish`, as after its start. */
export function started(wish: Wish): Driver {
  const driver = new Driver(wish);
  driver.ask("CDS");
  driver.ask("EDS", { subscribe: namesOf(wish.EDS) });
  driver.ack("CDS");
  if (wish.EDS) driver.ack("EDS");
  driver.ask("LDS");
  driver.ask("ECDS", { subscribe: namesOf(wish.ECDS) });
  driver.ask("RDS", { subscribe: namesOf(wish.RDS) });
  driver.ack("LDS");
  if (wish.ECDS) driver.ack("ECDS");
  if (wish.RDS) driver.ack("RDS");
  return driver;
}

/** A proxy that comes back with all of `had` to a server that wants `wish`: what each first request is answered with. */
export function resumed(had: Wish, wish: Wish): { driver: Driver; sent: string[] } {
  const driver = new Driver(wish);
  const endpoints = [...target(had).snapshot.EDS.keys()].map((name) => current("EDS", name, target(had).snapshot));
  const reported = endpoints.map((one) => `${one?.name}@${one?.version}`).join(" ");
  const sent = [
    ...driver.ask("CDS", { initial: had.CDS ?? "" }),
    ...driver.ask("EDS", { initial: reported, subscribe: namesOf(had.EDS) }),
    ...driver.ask("LDS", { initial: had.LDS ?? "" }),
    ...driver.ask("RDS", { initial: had.RDS ?? "", subscribe: namesOf(had.RDS) }),
    ...driver.ask("ECDS", { initial: had.ECDS ?? "", subscribe: namesOf(had.ECDS) }),
  ];
  return { driver, sent };
}

function namesOf(text = ""): string {
  return text.replace(/@\S+/g, "");
}
