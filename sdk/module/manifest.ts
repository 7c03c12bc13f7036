// What a module built with the SDK says of itself, in its custom section `sluice.manifest`.

/** Name of the section. */
export const manifestSection = "sluice.manifest";

/** A metric that a filter defines. */
export interface MetricDeclaration {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  /** Names of its labels, in order; none if there is none. */
  readonly labels: readonly string[];
  readonly help?: string;
}

const attachments = ["downstream", "upstream", "network", "access-log"] as const;

/**
 * Where Envoy calls a module: in a filter chain, which is the connection manager's, the router's, or a listener's own; or as an
 * access logger (`envoy.access_loggers.wasm`), once a request is over.
 */
export type Attachment = (typeof attachments)[number];

/** The section's content: JSON in UTF-8. */
export interface Manifest {
  /** The filter's name: that of its folder. */
  readonly name: string;
  readonly version: string;
  /** Version of the SDK it was built with. */
  readonly sdk: string;
  /** proxy-wasm ABI, such as `0.2.1`. */
  readonly abi: string;
  /** What it is made for; never empty. The upstream instance is configured with root_id `upstream`, a network filter with `network`. */
  readonly attach: readonly Attachment[];
  /** JSON Schema of its configuration; absent if it declares none. */
  readonly configSchema?: Readonly<Record<string, unknown>>;
  readonly metrics: readonly MetricDeclaration[];
}

/** The manifest in a section's bytes; undefined if they are none. */
export function parseManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return isManifest(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isManifest(value: unknown): value is Manifest {
  return (
    isObject(value) &&
    ["name", "version", "sdk", "abi"].every((field) => typeof value[field] === "string") &&
    Array.isArray(value["attach"]) &&
    value["attach"].length > 0 &&
    value["attach"].every((one) => attachments.includes(one)) &&
    (value["configSchema"] === undefined || isObject(value["configSchema"])) &&
    Array.isArray(value["metrics"]) &&
    value["metrics"].every(isMetric)
  );
}

/** Whether this declares a metric. */
export function isMetric(value: unknown): value is MetricDeclaration {
  return (
    isObject(value) &&
    typeof value["name"] === "string" &&
    ["counter", "gauge", "histogram"].includes(String(value["type"])) &&
    Array.isArray(value["labels"]) &&
    value["labels"].every((label) => typeof label === "string") &&
    ["string", "undefined"].includes(typeof value["help"])
  );
}

/** Whether this is an object as JSON has it: no list, not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
