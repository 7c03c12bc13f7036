// proxy_define_metric and its kin. Stats are the process's: the same name is the same stat in every VM.
import * as MetricType from "../abi/metric-type.ts";
import * as Status from "../abi/status.ts";
import { type ByteString, toText, u64 } from "./bytes.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

/** Stats of one process, by the name that the module gave; Envoy puts `wasmcustom.` before it. */
export class MetricStore {
  readonly #counters = new Map<string, bigint>();
  readonly #gauges = new Map<string, bigint>();
  readonly #histograms = new Map<string, number[]>();
  /** In what setups of VMs a metric was defined, by its name. */
  readonly #holders = new Map<string, Set<object>>();

  /** Value of a counter; undefined if none of that name was defined. */
  counter(name: string): number | undefined {
    return asNumber(this.#counters.get(statName(name)));
  }

  /** Value of a gauge; undefined if none of that name was defined. */
  gauge(name: string): number | undefined {
    return asNumber(this.#gauges.get(statName(name)));
  }

  /** Values recorded in a histogram, in order; undefined if none of that name was defined. */
  histogram(name: string): readonly number[] | undefined {
    return this.#histograms.get(statName(name));
  }

  /** Names of all metrics, sorted. */
  get names(): string[] {
    return [...this.#counters.keys(), ...this.#gauges.keys(), ...this.#histograms.keys()].sort();
  }

  /** A metric's handle; what it holds stays if it was defined before. @param setup of the VM that defines it @internal */
  define(type: number, definedName: string, setup: object): Metric {
    const name = statName(definedName);
    this.#holders.set(name, (this.#holders.get(name) ?? new Set()).add(setup));
    if (type === MetricType.Histogram) {
      const samples = this.#histograms.get(name) ?? [];
      this.#histograms.set(name, samples);
      return { type, read: () => undefined, add: () => false, record: (value) => samples.push(Number(value)) };
    }
    const values = type === MetricType.Counter ? this.#counters : this.#gauges;
    const read = () => values.get(name) ?? 0n;
    const set = (value: bigint) => values.set(name, BigInt.asUintN(64, value));
    set(read());
    const add = (delta: bigint) => {
      if (type === MetricType.Counter && delta <= 0n) return false;
      set(read() + delta);
      return true;
    };
    return { type, read, add, record: (value) => set(type === MetricType.Counter ? read() + value : value) };
  }

  /**
   * Forgets, as Envoy does, what was defined in none of these setups. A setup holds its metrics as long as a configuration
   * or a VM has it, also where the VM that defined them has trapped.
   *
   * @internal
   */
  release(living: ReadonlySet<object>): void {
    for (const [name, holders] of this.#holders) {
      if (!holders.isDisjointFrom(living)) continue;
      for (const values of [this.#holders, this.#counters, this.#gauges, this.#histograms]) values.delete(name);
    }
  }
}

/** What a VM's metric id stands for. */
interface Metric {
  readonly type: number;
  /** Undefined for a histogram, which can't be read. */
  read(): bigint | undefined;
  /** False if this kind of metric does not take that delta. */
  add(delta: bigint): boolean;
  record(value: bigint): void;
}

/** Ids of each kind are their own series: counters 4, 8, gauges 5, 9, histograms 6, 10. */
const idStep = 4;

export function metricCalls(vm: VmScope): Hostcalls {
  const metrics = new Map<number, Metric>();
  const nextIds = [MetricType.Counter, MetricType.Gauge, MetricType.Histogram].map((type) => type + idStep);
  /** The metric, or what to answer where there is none of that id. */
  const missing = (id: number, histogramAnswer: number) =>
    (id & 3) === MetricType.Histogram || (id & 3) === 3 ? histogramAnswer : Status.NotFound;
  return {
    proxy_define_metric(type: number, nameAddress: number, nameSize: number, idOut: number) {
      const name = vm.memory.read(nameAddress, nameSize);
      if (name === undefined) return Status.InvalidMemoryAccess;
      const id = nextIds[type];
      if (id === undefined) return Status.BadArgument;
      nextIds[type] = id + idStep;
      metrics.set(id, vm.process.metrics.define(type, toText(name), vm.setup));
      return vm.memory.writeWord(idOut, id) ? Status.Ok : Status.InvalidMemoryAccess;
    },
    proxy_increment_metric(id: number, delta: bigint) {
      const metric = metrics.get(id);
      if (metric === undefined) return missing(id, Status.BadArgument);
      return metric.add(delta) ? Status.Ok : Status.BadArgument;
    },
    proxy_record_metric(id: number, value: bigint) {
      const metric = metrics.get(id);
      if (metric === undefined) return Status.NotFound;
      metric.record(BigInt.asUintN(64, value));
      return Status.Ok;
    },
    proxy_get_metric(id: number, valueOut: number) {
      const metric = metrics.get(id);
      if (metric === undefined) return missing(id, Status.BadArgument);
      const value = metric.read();
      if (value === undefined) return Status.BadArgument;
      const bytes: ByteString = u64(value);
      return vm.memory.write(valueOut, bytes) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}

/** Envoy drops dots at a name's ends. */
function statName(name: string): string {
  return name.replace(/\.+$/, "");
}

function asNumber(value: bigint | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
