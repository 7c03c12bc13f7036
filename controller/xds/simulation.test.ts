import fc from "fast-check";
import { expect, test } from "vitest";
import { type Resource, type Snapshot, typeUrls, type XdsType } from "../model/resource.ts";
import { current } from "./current.ts";
import type { Deny } from "./delta.ts";
import type { Response } from "./outbox.ts";
import { DeltaStream } from "./stream.ts";
import { type Content, contentOf, FakeEnvoy } from "./test-support/fake-envoy.ts";

// Three proxies and a mesh that changes; messages are delayed, streams break, content is refused. Whatever happens, no
// request is lost, nothing is sent that a proxy has, and in the end each has exactly what it should.

const types = Object.keys(typeUrls) as XdsType[];
/** Never removed while a route uses them, never refused: their requests must not fail. */
const reliable = ["c0", "c1", "c2"];
const doubtful = ["c3", "c4"];
const slots = ["in", "out"];
/**
 * What listeners and these clusters are secured by. None that is reliable: the first cluster of all that needs a secret
 * waits for it, and so does what is routed to it.
 */
const secretNames = ["default", "ROOTCA"];
const secured = ["c3"];

function encode(type: XdsType, name: string, content: Content): Resource {
  const text = JSON.stringify(content);
  return { type, name, version: text, body: new TextEncoder().encode(text), owners: [] };
}

const deny: Deny = (type, name) => encode(type, name, { n: -1 });

/** What a mesh says; the snapshot follows from it. */
interface Mesh {
  readonly clusters: Map<string, { cluster: Content; endpoints: Content }>;
  readonly listeners: Map<string, Content>;
  readonly routes: Map<string, Content>;
  readonly slots: Map<string, Content>;
  /** Those that are issued. */
  readonly secrets: Map<string, Content>;
}

function snapshotOf({ clusters, listeners, routes, slots, secrets }: Mesh): Snapshot {
  const all = (type: XdsType, entries: Iterable<[string, Content]>): ReadonlyMap<string, Resource> =>
    new Map([...entries].map(([name, content]) => [name, encode(type, name, content)]));
  const of = (part: "cluster" | "endpoints"): [string, Content][] =>
    [...clusters].map(([name, one]) => [name, one[part]]);
  const withSecrets = ([name, content]: [string, Content]): [string, Content] => [
    name,
    { ...content, secrets: secretNames },
  ];
  return {
    CDS: all(
      "CDS",
      of("cluster").map((one) => (secured.includes(one[0]) ? withSecrets(one) : one)),
    ),
    EDS: all("EDS", of("endpoints")),
    LDS: all("LDS", [...listeners].map(withSecrets)),
    RDS: all("RDS", routes),
    ECDS: all("ECDS", slots),
    SDS: all("SDS", secrets),
  };
}

interface Proxy {
  readonly envoy: FakeEnvoy;
  stream: DeltaStream;
  readonly incoming: Response[];
}

class World {
  readonly mesh: Mesh;
  readonly proxies: readonly Proxy[];
  /** Makes each change a change, and is the time. */
  #step = 0;

  constructor() {
    this.mesh = {
      clusters: new Map(["c0", "c1"].map((name) => [name, { cluster: { n: 0 }, endpoints: { n: 0 } }])),
      listeners: new Map([["l0", { n: 0, routes: ["r0", "nowhere"], slots }]]),
      routes: new Map([["r0", { n: 0, cluster: "c0" }]]),
      slots: new Map(slots.map((name) => [name, { n: 0 }])),
      secrets: new Map(),
    };
    this.proxies = [0, 1, 2].map(() => {
      const proxy = { envoy: new FakeEnvoy(new Set(reliable)), stream: new DeltaStream(deny), incoming: [] };
      this.reconnect(proxy);
      return proxy;
    });
  }

  /** One thing happens, of those that the die chooses from. */
  act(die: number): void {
    this.#step += 1;
    const [kind, rest] = [die % 10, Math.floor(die / 10)];
    const proxy = this.proxies[rest % 3];
    if (proxy === undefined) return;
    if (kind < 3) this.toServer(proxy);
    else if (kind < 6) this.toProxy(proxy);
    else if (kind === 6 && rest % 4 === 0) this.reconnect(proxy);
    else this.change(rest);
  }

  /** Everything under way arrives; in any order between proxies, in order on each stream. */
  settle(): void {
    for (let round = 0; round < 2000; round++) {
      let isIdle = true;
      for (const proxy of this.proxies) {
        this.flush(proxy);
        if (this.toServer(proxy) || this.toProxy(proxy)) isIdle = false;
      }
      if (isIdle) return;
    }
    throw new Error("the streams never come to rest");
  }

  toServer({ envoy, stream, ...proxy }: Proxy): boolean {
    const request = envoy.outgoing.shift();
    if (request === undefined) return false;
    stream.receive(request, this.#step);
    this.flush({ envoy, stream, ...proxy });
    return true;
  }

  toProxy({ envoy, incoming }: Proxy): boolean {
    const response = incoming.shift();
    if (response !== undefined) envoy.receive(response);
    return response !== undefined;
  }

  flush({ stream, incoming }: Proxy): void {
    incoming.push(...stream.flush(this.#step).responses);
  }

  reconnect(proxy: Proxy): void {
    proxy.incoming.length = 0;
    proxy.stream = new DeltaStream(deny);
    proxy.stream.aim({ snapshot: snapshotOf(this.mesh) });
    proxy.envoy.connect();
  }

  change(die: number): void {
    const { clusters, listeners, routes } = this.mesh;
    const n = this.#step;
    const [what, which] = [die % 9, Math.floor(die / 9)];
    const name = [...reliable, ...doubtful][which % 5] ?? "c0";
    const mayBeBad = doubtful.includes(name) && which % 2 === 0;
    const isBad = mayBeBad ? { isBad: true } : {};
    const old = clusters.get(name) ?? { cluster: { n }, endpoints: { n } };
    if (what === 0) clusters.set(name, { ...old, cluster: { n, ...isBad } });
    if (what === 1) clusters.set(name, { ...old, endpoints: { n, ...isBad } });
    if (what === 2) this.#removeCluster(name);
    if (what === 3) routes.set("r0", { n, cluster: [...clusters.keys()][which % clusters.size] ?? "c0" });
    if (what === 4) this.mesh.slots.set(slots[which % 2] ?? "in", { n, ...(which % 3 === 0 && { isBad: true }) });
    if (what === 5)
      listeners.set("l1", {
        n,
        routes: ["r0"],
        slots: which % 2 === 0 ? slots : [],
        ...(which % 5 === 0 && { isBad: true }),
      });
    if (what === 6) listeners.delete("l1");
    if (what === 7) listeners.set("l0", { n, routes: which % 2 === 0 ? ["r0"] : ["r0", "nowhere"], slots });
    if (what === 8) this.issue(secretNames[which % 2] ?? "default", which % 4 === 3);
    this.push(die % 3 !== 0);
  }

  /** A secret, for the first time or again. */
  issue(name: string, isBad = false): void {
    this.mesh.secrets.set(name, { n: this.#step, ...(isBad && { isBad }) });
  }

  /** To slow proxies later: what they are sent then is what the mesh is then. */
  push(isSlow = false): void {
    for (const [i, proxy] of this.proxies.entries()) {
      proxy.stream.aim({ snapshot: snapshotOf(this.mesh) });
      if (!isSlow || i === 0) this.flush(proxy);
    }
  }

  /**
   * Gives everything new content that no proxy refuses. All clusters are there then: of one that a proxy refused on an
   * earlier stream and that vanished since, no server can know.
   */
  heal(): void {
    this.#step += 1;
    const n = this.#step;
    for (const name of [...reliable, ...doubtful]) this.mesh.clusters.set(name, { cluster: { n }, endpoints: { n } });
    for (const [name, { isBad: _, ...content }] of this.mesh.listeners)
      this.mesh.listeners.set(name, { ...content, n });
    for (const name of slots) this.mesh.slots.set(name, { n });
    for (const name of secretNames) this.issue(name);
    this.push();
  }

  #removeCluster(name: string): void {
    const { clusters, routes } = this.mesh;
    const others = [...clusters.keys()].filter((other) => other !== name);
    const [other] = others.filter((one) => reliable.includes(one));
    if (other === undefined) return;
    clusters.delete(name);
    if (routes.get("r0")?.cluster === name) routes.set("r0", { n: this.#step, cluster: other });
  }
}

/** What a proxy has in force that differs from what it should have. `nowhere` is denied. */
function differences({ envoy }: Proxy, mesh: Mesh): string[] {
  const snapshot = snapshotOf(mesh);
  const versionOf = ({ type, name }: Resource): string | undefined => current(type, name, snapshot)?.version;
  return types.flatMap((type) => {
    if (!envoy.isStarted && type !== "CDS" && type !== "EDS") return []; // refused endpoints keep it from starting
    const live = envoy.live[type];
    const wanted = [...snapshot[type].values()].filter((one) => !contentOf(one).isBad && isUsed(one, mesh, envoy));
    const missing = wanted.filter((one) => live.get(one.name)?.version !== versionOf(one));
    const extra = [...live.keys()].filter((name) => name !== "nowhere" && !snapshot[type].has(name));
    return [
      ...missing.map(({ name }) => `${type} ${name} is not live`),
      ...extra.map((name) => `${type} ${name} stays`),
    ];
  });
}

/**
 * Whether a proxy that holds the good part of a mesh uses a resource; a cluster warms while its endpoints are refused, and
 * while it has no secrets.
 */
function isUsed(resource: Resource, { clusters }: Mesh, { live }: FakeEnvoy): boolean {
  const { type, name } = resource;
  const { cluster, endpoints } = clusters.get(name) ?? {};
  const { secrets = [] } = contentOf(resource);
  if (type === "CDS") return endpoints?.isBad !== true && secrets.every((secret) => live.SDS.has(secret));
  return type !== "EDS" || cluster?.isBad !== true;
}

test("whatever happens, no request is lost, nothing is sent twice, and in the end all is in force", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 20, maxLength: 250, size: "max" }), (dice) => {
      const world = new World();
      if (dice.length % 2 === 0) {
        for (const name of secretNames) world.issue(name);
        world.push();
        world.settle();
      } // else from the very start
      for (const die of dice) world.act(die);
      world.push();
      world.settle();
      for (const proxy of world.proxies) {
        expect(proxy.envoy.complaints).toEqual([]);
        expect(differences(proxy, world.mesh)).toEqual([]);
      }
      world.heal();
      world.settle();
      for (const proxy of world.proxies) {
        expect(proxy.envoy.complaints).toEqual([]);
        expect(differences(proxy, world.mesh)).toEqual([]);
        expect(proxy.envoy.withheld).toEqual([]);
        expect(types.map((type) => proxy.stream.status(type).state)).not.toContain("STALE");
        world.reconnect(proxy);
        world.settle();
        expect(proxy.envoy.complaints).toEqual([]);
      }
    }),
    { numRuns: 150 },
  );
});
