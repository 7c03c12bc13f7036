// Labels as Envoy finds them in a metric's name, and what they are to be, said as simply as can be.
import { statsConfig } from "../../../controller/inject/stats.ts";

export type Labels = Readonly<Record<string, string>>;

/** A metric as Prometheus sees it. */
export interface Tagged {
  /** In their order in the name. */
  readonly labels: Labels;
  /** What is left of the name: of a label that Envoy does not find, too. */
  readonly name: string;
}

interface StatsConfig {
  readonly stats_tags: readonly { readonly tag_name: string; readonly regex: string }[];
}

/** What a pod's annotation names: one of them ends another label's name. */
export const addedLabels = ["tenant", "app"];
const { stats_tags } = statsConfig("cluster.local", addedLabels) as unknown as StatsConfig;
const tags = stats_tags.map(({ tag_name, regex }) => [tag_name, new RegExp(regex, "d")] as const);

/** What Envoy puts before the names of plugins' metrics, and takes away again for Prometheus. */
const namespace = "wasmcustom.";

/**
 * Takes a name apart as a proxy's Envoy does, by the expressions of its bootstrap: each is for the whole name, byte by byte; the first
 * group is taken out of it, the second is the value.
 */
export function tagged(name: string): Tagged {
  const bytes = Buffer.from(`${namespace}${name}`).toString("latin1");
  const text = (part: string) => Buffer.from(part, "latin1").toString();
  const found = tags.flatMap(([label, regex]) => {
    const match = regex.exec(bytes);
    const [, part, value] = match ?? [];
    const [at] = match?.indices?.[1] ?? [];
    return at === undefined || part === undefined || value === undefined ? [] : [{ at, label, part, value }];
  });
  const inOrder = found.toSorted((a, b) => a.at - b.at);
  return {
    labels: Object.fromEntries(inOrder.map(({ label, value }) => [label, text(value)])),
    name: text(inOrder.reduce((left, { part }) => left.replace(part, ""), bytes)).slice(namespace.length),
  };
}

/** What a value becomes in a metric's name. */
export function valueInName(value: string): string {
  const cut = value.slice(0, 256).replaceAll(/[^ -\uffff]/g, "_");
  return cut.replaceAll(/;\.;|=\.=|;\.$/g, "_").toWellFormed();
}

/** What is said of a peer. */
export function valueOfPeer(value: string): string {
  return value === "" ? "unknown" : valueInName(value);
}
