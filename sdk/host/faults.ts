// What a test makes go wrong between module and host.
import { allocators, callbacks } from "../abi/callbacks.ts";
import { hostFunctions } from "../abi/host-functions.ts";

/** When something goes wrong. */
export interface FaultOptions {
  /** How often, then never again. Default: always. */
  readonly times?: number;
  /** How often it goes well before. Default 0. */
  readonly after?: number;
}

/** One thing that goes wrong. */
export interface Fault {
  /** How often it has gone wrong so far. */
  readonly count: number;
  /** From now on all is well again. */
  end(): void;
}

/** How the fault of a call shows: by what it answers, or by a trap. */
type Effect = { readonly answer: number } | "trap";

/** Faults of all VMs of a process. Of several of one place the first that applies counts. */
export class Faults {
  readonly #planned = new Map<string, Planned[]>();

  /**
   * A hostcall answers a status and does nothing.
   *
   * @param hostcall name in the ABI, such as `proxy_get_property`; those of WASI answer an errno
   * @param status   of `abi/status.ts`
   * @throws {Error} if there is no such hostcall
   */
  fail(hostcall: string, status: number, options: FaultOptions = {}): Fault {
    if (!hostcalls.has(hostcall)) throw new Error(`there is no hostcall ${hostcall}`);
    return this.#plan(hostcall, { answer: status }, options);
  }

  /** The module has no memory for a value of the host: its `malloc` gives 0, and the hostcall answers InvalidMemoryAccess. */
  failAllocation(options: FaultOptions = {}): Fault {
    return this.#plan(allocation, { answer: 0 }, options);
  }

  /**
   * The VM traps where it enters a callback, or where it makes a hostcall.
   *
   * @param place name in the ABI, such as `proxy_on_request_headers` or `proxy_log`
   * @throws {Error} if there is no such callback or hostcall
   */
  trap(place: string, options: FaultOptions = {}): Fault {
    if (!hostcalls.has(place) && !entries.has(place)) throw new Error(`there is no callback or hostcall ${place}`);
    return this.#plan(isAllocator(place) ? allocation : place, "trap", options);
  }

  /** What a call at this place answers in the place of doing something; undefined if nothing goes wrong. Throws for a trap. @internal */
  at(place: string): number | undefined {
    if (this.#planned.size === 0) return undefined; // every call of every module comes by here
    const fault = this.#planned.get(isAllocator(place) ? allocation : place)?.find((planned) => planned.strikes());
    if (fault?.effect === "trap") throw new WebAssembly.RuntimeError("unreachable");
    return fault?.effect.answer;
  }

  #plan(place: string, effect: Effect, options: FaultOptions): Fault {
    const fault = new Planned(effect, options, () => this.#forget(place, fault));
    this.#planned.set(place, [...(this.#planned.get(place) ?? []), fault]);
    return fault;
  }

  #forget(place: string, fault: Planned): void {
    const left = (this.#planned.get(place) ?? []).filter((other) => other !== fault);
    if (left.length > 0) this.#planned.set(place, left);
    else this.#planned.delete(place);
  }
}

class Planned implements Fault {
  readonly effect: Effect;
  readonly end: () => void;
  readonly #times: number;
  #count = 0;
  #after: number;

  constructor(effect: Effect, { times = Number.POSITIVE_INFINITY, after = 0 }: FaultOptions, end: () => void) {
    this.effect = effect;
    this.end = end;
    this.#times = times;
    this.#after = after;
  }

  get count(): number {
    return this.#count;
  }

  /** A call comes to its place: whether this one goes wrong. */
  strikes(): boolean {
    if (this.#after > 0) this.#after -= 1;
    else if (this.#count < this.#times) {
      this.#count += 1;
      return true;
    }
    return false;
  }
}

/** One place, whichever of the two functions a module has. */
const allocation = "malloc";
const isAllocator = (name: string) => allocators.some((allocator) => allocator === name);

const versions = ["0.1.0", "0.2.0", "0.2.1"] as const;
const hostcalls = new Set(versions.flatMap((abi) => [...hostFunctions(abi).values()].map(({ name }) => name)));
const entries = new Set(versions.flatMap((abi) => [...callbacks(abi).keys()]));
