import { parseObject } from "./crd/parse-object.ts";
import { buildMesh } from "./mesh/build-mesh.ts";
import { ObjectStore } from "./mesh/object-store.ts";
import type { Identity } from "./model/identity.ts";
import type { Mesh, MeshSettings, Plugin } from "./model/mesh.ts";
import { type AnyObject, type MeshObject, type Ref, refOf, refText } from "./model/object.ts";
import { type Problem, problemText } from "./model/problem.ts";
import { type Proxy, proxyName } from "./model/proxy.ts";
import type { ProxyState } from "./model/proxy-state.ts";
import type { RawObject } from "./model/raw-object.ts";
import type { Resource } from "./model/resource.ts";
import type { Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import { statusLines } from "./status/lines.ts";
import { emptyStatus, type MeshStatus, meshStatus } from "./status/mesh-status.ts";
import type { Push } from "./status/push.ts";
import { knowsLive } from "./status/slot-memory.ts";
import { type Translation, translate } from "./translate/translate.ts";
import type { XdsEvent } from "./xds/connection.ts";
import type { Target } from "./xds/delta.ts";

/** How long answers of proxies are gathered before the status is made anew, in ms. */
const statusMs = 10;

/** Telemetry is on without a WasmPlugin, as in Istio. No object can have this name. */
const telemetryPlugin: MeshObject<"WasmPlugin"> = {
  kind: "WasmPlugin",
  meta: { namespace: "istio-system", name: "~telemetry", labels: {}, annotations: {} },
  spec: {
    url: "builtin://telemetry",
    type: "HTTP",
    phase: "STATS",
    pluginName: "",
    failStrategy: "FAIL_OPEN",
    env: {},
    match: [],
  },
};

/** What modules there are: see modules/store.ts. */
export interface Modules {
  resolve(objects: readonly MeshObject<"WasmPlugin">[]): {
    readonly plugins: Mesh["plugins"];
    readonly problems: readonly Problem[];
  };
}

export interface ControlPlaneOptions {
  readonly settings: MeshSettings;
  /** Name of this controller, for proxy-status. */
  readonly controller: string;
  readonly modules: Modules;
  /** What a proxy with this identity gets by SDS, by name; nothing while its certificate is being made. */
  readonly secrets: (identity: Identity) => ReadonlyMap<string, Resource>;
  /** Lets the xDS server compute anew what every proxy should have. */
  readonly push: () => void;
  /** The connected proxies, and what they made of what they were sent. */
  readonly proxies: () => readonly Omit<ProxyState, "snapshot">[];
  /** Called whenever the status was made anew, whether or not it differs. */
  readonly onStatus?: (status: MeshStatus) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The pipeline: sources -> crd -> mesh -> translate -> xds, and back from the proxies' answers to the status. It has no
 * I/O of its own.
 */
export class ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #store = new ObjectStore();
  #sourceProblems: readonly Problem[] = [];
  #mesh: Mesh;
  #meshProblems: readonly Problem[] = [];
  /** By proxy id, of the mesh of now. */
  readonly #translations = new Map<string, Translation | Fault>();
  #status: MeshStatus = emptyStatus;
  #push: Push | undefined;
  #cancelStatus: (() => void) | undefined;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
    this.#mesh = buildMesh({ objects: [], plugins: [], settings: options.settings, generation: 0 }).mesh;
  }

  /** All objects of the sources, as they are now, and what is wrong with their texts. */
  update(batch: { readonly objects: readonly RawObject[]; readonly problems: readonly Problem[] }): void {
    const parsed = batch.objects.map(parseObject);
    this.#store.update(parsed);
    this.#sourceProblems = [...batch.problems, ...parsed.flatMap(({ problems }) => problems)];
    this.rebuild();
  }

  /** Makes a new mesh of the objects and modules that there are, and pushes what differs. */
  rebuild(): void {
    const { settings, modules, clock, push } = this.#options;
    const objects = this.#store.objects();
    const asked = objects.filter((object) => object.kind === "WasmPlugin");
    const resolved = modules.resolve([telemetryPlugin, ...asked]);
    const isTelemetry = ({ object }: Plugin): boolean => object.meta.name === telemetryPlugin.meta.name;
    const telemetry = resolved.plugins.find(isTelemetry)?.module;
    const { mesh, problems } = buildMesh({
      objects,
      plugins: resolved.plugins.filter((plugin) => !isTelemetry(plugin)),
      ...(telemetry && { telemetry }),
      settings,
      generation: this.#mesh.generation + 1,
      before: this.#mesh,
    });
    this.#mesh = mesh;
    this.#meshProblems = [...resolved.problems, ...problems];
    this.#translations.clear();
    this.#refreshStatus(); // what is live now is only known before something newer is sent
    this.#push = { generation: mesh.generation, startedAtMs: clock.nowMs(), sentAtMs: clock.nowMs(), sent: [] };
    push();
    this.#refreshStatus();
  }

  /**
   * What a proxy should have. A slot that only stands in for what this process can't compute leaves a proxy alone whose
   * version is of an earlier process; what this one has made itself, it can follow up on.
   */
  targetFor(proxy: Proxy, identity: Identity): Target {
    const { resources } = this.#translation(proxy);
    const snapshot = { ...resources, SDS: this.#options.secrets(identity) };
    const kept = [...snapshot.ECDS.values()].filter(
      ({ name, stopgap }) => stopgap && !knowsLive(this.#status.memory, proxy.id, name),
    );
    return { snapshot, keep: { ECDS: new Set(kept.map(({ name }) => name)) } };
  }

  /** A pod, as it is in force. */
  podOf({ namespace, name }: Pick<Proxy, "namespace" | "name">): MeshObject<"Pod"> | undefined {
    return this.#store.find({ kind: "Pod", namespace, name });
  }

  /** What would not fit together of an object if it were in force as it is given here. */
  problemsWith(object: AnyObject): readonly Problem[] {
    const key = refText(refOf(object));
    const isIt = (ref: Ref | undefined): boolean => ref !== undefined && refText(ref) === key;
    const objects = [...this.#store.objects().filter((one) => !isIt(refOf(one))), object];
    const { plugins, settings, generation } = this.#mesh;
    return buildMesh({ objects, plugins, settings, generation }).problems.filter((problem) => isIt(problem.object));
  }

  onEvent(event: XdsEvent): void {
    // Secrets are renewed by themselves, whatever the mesh does.
    if (event.kind === "sent" && event.type !== "SDS" && this.#push !== undefined) {
      const about = { proxy: proxyName(event.proxy), type: event.type };
      const sent = [
        ...event.resources.map(({ name, version }) => ({ ...about, name, version })),
        ...event.removed.map((name) => ({ ...about, name })),
      ];
      this.#push = { ...this.#push, sentAtMs: event.atMs, sent: [...this.#push.sent, ...sent] };
    }
    this.#cancelStatus ??= this.#options.clock.after(statusMs, () => this.#refreshStatus());
  }

  /** The last status; at most 10 ms old. */
  get status(): MeshStatus {
    return this.#status;
  }

  /** @throws what `translate` threw, a fault of the program: the proxy then keeps what it has. */
  #translation(proxy: Proxy): Translation {
    const known = this.#translations.get(proxy.id) ?? attempt(() => translate(this.#mesh, this.#asOfNow(proxy)));
    this.#translations.set(proxy.id, known);
    if ("fault" in known) throw known.fault;
    return known;
  }

  /** With the labels that its pod has now: they may change while it is connected, and selectors go by them. */
  #asOfNow(proxy: Proxy): Proxy {
    const labels = this.podOf(proxy)?.meta.labels;
    return labels === undefined ? proxy : { ...proxy, labels };
  }

  #refreshStatus(): void {
    this.#cancelStatus?.();
    this.#cancelStatus = undefined;
    const { proxies, settings, controller, log } = this.#options;
    const newest = new Map(proxies().map((state) => [state.proxy.id, state])); // a stream may outlive its proxy's next
    const states = [...newest.values()].flatMap((state) => {
      const translation = attempt(() => this.#translation(state.proxy));
      return "fault" in translation
        ? []
        : [{ ...state, proxy: this.#asOfNow(state.proxy), snapshot: translation.resources }];
    });
    const before = this.#status;
    this.#status = meshStatus(before, {
      plugins: this.#mesh.plugins,
      problems: this.#problems(),
      proxies: states,
      ...(this.#push && { push: this.#push }),
      cluster: settings.clusterId,
      controller,
    });
    for (const { level, text } of statusLines(before, this.#status)) log[level](text);
    this.#options.onStatus?.(this.#status);
  }

  /** Each problem once, whichever proxies it was found on. */
  #problems(): readonly Problem[] {
    const found = [...this.#translations.values()].flatMap((one) => ("fault" in one ? [] : one.problems));
    const all = [...this.#sourceProblems, ...this.#meshProblems, ...found].map((one) => this.#store.located(one));
    return [...new Map(all.map((problem) => [problemText(problem), problem])).values()];
  }
}

interface Fault {
  readonly fault: unknown;
}

function attempt(run: () => Translation): Translation | Fault {
  try {
    return run();
  } catch (fault) {
    return { fault };
  }
}
