// What the Telemetry objects of a workload say together. Pure. Each function takes the rules of one part, a list for each
// object, from the widest to the nearest; a later rule counts where it says something. The rules are Istio's (istio/istio
// pilot/pkg/model/telemetry.go), but that turning all metrics off and one of them on leaves that one, as Istio's reference
// of the kind has it.
import {
  type AccessLoggingRule,
  type CustomTag,
  type MetricName,
  type MetricsRule,
  providers,
  type Telemetry,
  type TracingRule,
  type WorkloadMode,
} from "./telemetry.ts";

/** CLIENT: outbound and gateways; SERVER: inbound. */
export type Side = Exclude<WorkloadMode, "CLIENT_AND_SERVER">;

type Levels<R> = readonly (readonly R[])[];

/** An entry of Istio's stats PluginConfig.metrics. */
export interface MetricConfig {
  /** Absent: all metrics. */
  readonly name?: MetricName;
  /** Labels and where their values come from: CEL. */
  readonly dimensions?: Readonly<Record<string, string>>;
  readonly tags_to_remove?: readonly string[];
  readonly drop?: true;
}

/** Whether an object has rules for these metrics, or for the access log, at that side. */
export function concerns({ metrics, accessLogging }: Telemetry, side: Side, names: readonly MetricName[]): boolean {
  const isFor = ({ providers, reportingIntervalMs, overrides }: MetricsRule): boolean =>
    providers.length > 0 ||
    reportingIntervalMs !== undefined ||
    overrides.filter(isOf(side)).some((override) => override.metrics.some((name) => names.includes(name)));
  return metrics.some(isFor) || accessLogging.some(isOf(side));
}

/** What is different from these of Istio's standard metrics; empty: nothing. Each metric is in it once at most. */
export function mergeMetrics(
  levels: Levels<MetricsRule>,
  side: Side,
  names: readonly MetricName[],
): readonly MetricConfig[] {
  const rules = rulesOf(levels, providers.metrics);
  if (!rules) return [{ drop: true }];
  const overrides = rules.flatMap((rule) => rule.overrides).filter(isOf(side));
  const configs = names.map((name): Omit<MetricConfig, "name"> => {
    const own = overrides.filter(({ metrics }) => metrics.includes(name));
    if (own.findLast(({ disabled }) => disabled !== undefined)?.disabled) return { drop: true };
    const tags = [...new Map(own.flatMap((override) => [...override.tags]))].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const dimensions = tags.flatMap(([tag, to]) => (to === "REMOVE" ? [] : [[tag, to.value] as const]));
    const removed = tags.flatMap(([tag, to]) => (to === "REMOVE" ? [tag] : []));
    return {
      ...(dimensions.length > 0 && { dimensions: Object.fromEntries(dimensions) }),
      ...(removed.length > 0 && { tags_to_remove: removed }),
    };
  });
  const [first = {}] = configs;
  if (configs.every((config) => JSON.stringify(config) === JSON.stringify(first))) return isEmpty(first) ? [] : [first];
  return configs.flatMap((config, i) => (isEmpty(config) ? [] : [{ name: names[i], ...config } as MetricConfig]));
}

/** How often open connections, and messages of open gRPC calls, are counted; `undefined`: as the filter does by itself. */
export function mergeReportingInterval(levels: Levels<MetricsRule>): number | undefined {
  const rules = rulesOf(levels, providers.metrics) ?? [];
  return rules.findLast((rule) => rule.reportingIntervalMs !== undefined)?.reportingIntervalMs;
}

/** What is logged; `undefined`: nothing. */
export interface AccessLogging {
  /** CEL; absent: all. */
  readonly filter?: string;
}

export function mergeAccessLogging(levels: Levels<AccessLoggingRule>, side: Side): AccessLogging | undefined {
  const ofSide = levels.map((rules) => rules.filter(isOf(side)));
  const rules = rulesOf(ofSide, providers.accessLogging) ?? [];
  return rules.reduce<AccessLogging | undefined>((wider, { disabled, filter, providers: named }) => {
    if (disabled) return undefined;
    if (filter !== undefined) return { filter };
    return named.length > 0 ? {} : (wider ?? {});
  }, undefined);
}

export interface TracingConfig {
  /** Whether spans go to the collector. */
  readonly reported: boolean;
  /** 0 to 100, of the requests about which nobody has decided yet. */
  readonly samplingPercent: number;
  readonly customTags: ReadonlyMap<string, CustomTag>;
  /** Whether spans say which workload the proxy is of. */
  readonly istioTags: boolean;
}

/** Istio's, where nobody says otherwise. */
const defaultSamplingPercent = 1;

export function mergeTracing(levels: Levels<TracingRule>, side: Side): TracingConfig {
  const rules = levels.flat().filter(isOf(side));
  const [provider = providers.tracing] = rules.findLast((rule) => rule.providers.length > 0)?.providers ?? [];
  const last = <K extends keyof TracingRule>(key: K): TracingRule[K] | undefined =>
    rules.findLast((rule) => rule[key] !== undefined)?.[key];
  return {
    reported: provider === providers.tracing && last("disableSpanReporting") !== true,
    samplingPercent: last("samplingPercent") ?? defaultSamplingPercent,
    customTags: last("customTags") ?? new Map(),
    istioTags: last("enableIstioTags") ?? true,
  };
}

/**
 * The rules for a provider: a rule that names none is for those that the rule before it names. `undefined` where the
 * nearest level that names any leaves it out.
 */
function rulesOf<R extends MetricsRule | AccessLoggingRule>(
  levels: Levels<R>,
  provider: string,
): readonly R[] | undefined {
  let named: readonly string[] = [provider];
  const rules = levels.flat().filter((rule) => {
    if (rule.providers.length > 0) named = rule.providers;
    return named.includes(provider);
  });
  const nearest = levels.map((level) => level.flatMap((rule) => rule.providers)).findLast(({ length }) => length > 0);
  return nearest === undefined || nearest.includes(provider) ? rules : undefined;
}

function isOf(side: Side): (rule: { readonly mode: WorkloadMode }) => boolean {
  return ({ mode }) => mode === side || mode === "CLIENT_AND_SERVER";
}

function isEmpty(config: object): boolean {
  return Object.keys(config).length === 0;
}
