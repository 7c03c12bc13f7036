import * as z from "zod";
import { withCel } from "./cel.ts";
import { durationComplaint, durationMs } from "./duration.ts";
import { show } from "./issues.ts";
import { regexComplaint } from "./regex.ts";

export { isIpAddress } from "../model/network.ts";

// The building blocks of all kinds' schemas. Texts are not changed here; what a text means is read once all is valid.

type Payload = { readonly issues: readonly z.core.$ZodRawIssue[] };

/** Whether all values have the types that a rule expects: nothing was found but unknown fields and broken rules. */
function typesAreRight({ issues }: Payload): boolean {
  return issues.every((issue) => issue.code === "unrecognized_keys" || issue.continue === true);
}

export interface Complaint {
  /** Below the value that the rule looks at. */
  readonly path?: readonly (string | number)[];
  /** Goes on after the path. */
  readonly message: string;
}

/** Adds a rule that a schema alone can't say. It runs beside other complaints, unless a type is wrong below it. */
export function withRule<S extends z.ZodType>(schema: S, rule: (value: z.output<S>) => readonly Complaint[]): S {
  return schema.superRefine(
    (value, context) => {
      for (const { path = [], message } of rule(value)) context.addIssue({ code: "custom", path: [...path], message });
    },
    { when: typesAreRight },
  );
}

/** Text with a rule; `complain` gets the text and says what is wrong with it after `is "…": `. */
export function text(complain: (value: string) => string | undefined) {
  return withRule(z.string(), (value) => {
    const complaint = complain(value);
    return complaint === undefined ? [] : [{ message: `is ${show(value)}: ${complaint}` }];
  });
}

/** A duration as text; see duration.ts. `zero`: 0s is allowed, which turns something off. */
export function duration({ zero = false }: { readonly zero?: boolean } = {}) {
  const complaint = (value: unknown): string | undefined => {
    const what = durationComplaint(value) ?? (zero && durationMs(String(value)) === 0 ? undefined : tooFine(value));
    return what && `is ${show(value)}: ${what}`;
  };
  // Without a CEL rule: the API server says of a text that is no duration that it can't convert it, and nothing more.
  return withRule(z.string({ error: ({ input }) => (input === undefined ? undefined : complaint(input)) }), (value) => {
    const message = complaint(value);
    return message === undefined ? [] : [{ message }];
  });
}

/** What is wrong with a duration that milliseconds, in which Envoy and Istio count, can't say. */
export function tooFine(value: unknown): string | undefined {
  const ms = durationMs(String(value));
  if (ms < 1) return "must be 1ms or more";
  return Number.isInteger(ms) ? undefined : "must be whole milliseconds";
}

/** A port number; 0 is none. */
export function port() {
  const range = {
    error: ({ input }: { readonly input?: unknown }) => `is ${show(input)}: port numbers are 1 to 65535`,
  };
  return whole().min(1, range).max(65535, range);
}

/** A whole number. */
export function whole() {
  return z.int();
}

/** A whole number that is not negative. */
export function count() {
  return whole().min(0).max(4_294_967_295);
}

/** 0 to 100. */
export function percent() {
  const range = { error: ({ input }: { readonly input?: unknown }) => `is ${show(input)}: percentages are 0 to 100` };
  return whole().min(0, range).max(100, range);
}

export function labels() {
  return z.record(z.string(), z.string());
}

/** Labels of a selector: no wildcards, which look as if they worked. */
export function selectorLabels() {
  const value = withCel(z.string().meta({ maxLength: labelLengthMax }), {
    rule: '!self.contains("*")',
    message: noWildcard,
    messageExpression: `'is "' + self + '": ${noWildcard}'`,
  });
  const selector = withCel(z.record(z.string(), value).meta({ maxProperties: selectorSizeMax }), {
    rule: 'self.all(key, !key.contains("*"))',
    message: noWildcard,
  });
  return withRule(selector, (value) =>
    Object.entries(value).flatMap(([key, item]) =>
      key.includes("*") || item.includes("*") ? [{ path: [key], message: `is ${show(item)}: ${noWildcard}` }] : [],
    ),
  );
}

const noWildcard = "wildcard not allowed in label value match";

/** No label of Kubernetes is longer, and an API server takes a CEL rule only where it can tell what it costs. */
const labelLengthMax = 63;
const selectorSizeMax = 4096;

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** Lower-case letters, digits and `-`, at most 63 (RFC 1123). */
export function isDnsLabel(value: string): boolean {
  return value.length <= 63 && label.test(value);
}

/** What an API server takes for the name of most objects. Unlike in DNS, a part may be longer than 63, as those of pods are. */
export function isObjectName(value: string): boolean {
  return value.length <= 253 && value.split(".").every((part) => label.test(part));
}

export function isDnsName(value: string): boolean {
  return value.length <= 253 && value.split(".").every((part) => isDnsLabel(part.toLowerCase()));
}

/** A host: a DNS name, `*`, or a name with `*` in front. */
export function hostComplaint(value: string): string | undefined {
  const rest = value === "*" ? "x" : value.replace(/^\*\.?/, "");
  if (rest.includes("*")) return "a wildcard can stand only in front: *.example.com";
  return rest !== "" && isDnsName(rest.replace(/\.$/, "")) ? undefined : "not a host name";
}

/** `[namespace/]host` */
export function namespacedHostComplaint(value: string): string | undefined {
  const slash = value.indexOf("/");
  if (slash < 0) return hostComplaint(value);
  const namespace = value.slice(0, slash).replace(/^~/, "");
  if (!["", "*", "."].includes(namespace) && !isDnsLabel(namespace)) return `${show(namespace)} is not a namespace`;
  if (namespace === "" && !value.startsWith("~")) return "the namespace in front of the / is empty; write ./ or */";
  return hostComplaint(value.slice(slash + 1));
}

export function host() {
  return text(hostComplaint);
}

export function regex() {
  return text(regexComplaint);
}

/** DNS label: names of ports, subsets, namespaces. */
export function dnsLabel() {
  return text((value) =>
    isDnsLabel(value) ? undefined : "must be lower-case letters, digits and -, at most 63, with - not at an end",
  );
}

/** Where an object may be seen: namespaces, `.` (its own), `*` (all); `~` (nobody) only where the kind has it. */
export function exportTo({ nobody = false }: { readonly nobody?: boolean } = {}) {
  const entry = text((value) => {
    if (value === "*" || value === "." || (nobody && value === "~") || isDnsLabel(value)) return undefined;
    return `must be a namespace, . (this namespace)${nobody ? ", ~ (nobody)" : ""} or * (all)`;
  });
  return withRule(z.array(entry), (value) =>
    value.length > 1 && (value.includes("*") || value.includes("~"))
      ? [{ message: `has ${show(value.includes("*") ? "*" : "~")} beside other entries: it can only stand alone` }]
      : [],
  )
    .optional()
    .describe("Namespaces that may see it; . is its own, * all. Default: all.");
}

/** Complaints about values that occur a second time; `path` leads to one. */
export function duplicates<T>(
  items: readonly T[],
  {
    of,
    path,
  }: { readonly of: (item: T) => string | number | undefined; readonly path: (index: number) => Complaint["path"] },
  message: (value: string) => string,
): Complaint[] {
  const seen = new Set<string | number>();
  return items.flatMap((item, index) => {
    const value = of(item);
    if (value === undefined) return [];
    if (!seen.has(value)) {
      seen.add(value);
      return [];
    }
    return [{ path: path(index) ?? [], message: message(show(value)) }];
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** The same fields without those that are undefined, so that what is not set is not there. */
export function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
