import * as z from "zod";
import type { HttpMatch, StringMatch } from "../model/virtual-service.ts";
import { defined, dnsLabel, labels, port, regex, text, withRule } from "./fields.ts";
import { notYet } from "./walk.ts";

const stringMatchFields = z.strictObject({
  exact: z.string().optional().describe("The whole text."),
  prefix: z.string().optional().describe("Its beginning."),
  regex: regex().optional().describe("RE2; the whole text must match."),
});

type StringMatchInput = z.output<typeof stringMatchFields>;

function alternatives(value: StringMatchInput): number {
  return [value.exact, value.prefix, value.regex].filter((one) => one !== undefined).length;
}

/** Exactly one way to match, and no prefix that matches everything without saying so. */
const stringMatch = withRule(stringMatchFields, (value) => {
  if (alternatives(value) !== 1) return [{ message: "must have one of exact, prefix or regex" }];
  return value.prefix === "" ? [{ path: ["prefix"], message: 'is "": prefix string match should not be empty' }] : [];
});

/** As Envoy has it, the empty prefix matches every path. */
const uriMatch = withRule(stringMatchFields, (value) =>
  alternatives(value) === 1 ? [] : [{ message: "must have one of exact, prefix or regex" }],
);

const anyValue = "*";

/** Nothing at all, or the regex `*`, stand for any value. */
const presenceMatch = withRule(
  z.strictObject({
    ...stringMatchFields.shape,
    regex: z.string().optional().describe("RE2; the whole text must match. * stands for any value."),
  }),
  (value) => {
    if (alternatives(value) > 1) return [{ message: "must have only one of exact, prefix or regex" }];
    if (value.prefix === "") return [{ path: ["prefix"], message: 'is "": prefix string match should not be empty' }];
    const checked = value.regex === undefined || value.regex === anyValue ? undefined : regex().safeParse(value.regex);
    return (checked?.error?.issues ?? []).map(({ message }) => ({ path: ["regex"], message }));
  },
);

const headerName = text((value) =>
  /^:?[-!#$%&'*+.^_`|~0-9A-Za-z]+$/.test(value) ? undefined : "not a valid header name",
);

export const httpMatch = z.strictObject({
  name: z.string().optional().describe("For people. Default: none."),
  uri: uriMatch.optional().describe("Path, without the query."),
  ignoreUriCase: z.boolean().optional().describe("For exact and prefix of uri. Default: false."),
  scheme: stringMatch.optional().describe("http or https."),
  method: stringMatch.optional().describe("GET, POST, ..."),
  authority: stringMatch.optional().describe("The host that was called, with its port where one was written."),
  headers: z.record(headerName, presenceMatch).optional().describe("By name; {} matches any value."),
  withoutHeaders: z.record(headerName, presenceMatch).optional().describe("Must not match."),
  queryParams: z.record(z.string(), presenceMatch).optional().describe("By name; {} matches any value."),
  port: port().optional().describe("Service port (sidecars) or gateway port."),
  sourceLabels: labels().optional().describe("Labels of the calling workload."),
  sourceNamespace: dnsLabel().optional().describe("Namespace of the calling workload."),
  gateways: z.array(z.string().min(1)).optional().describe("Default: those of the VirtualService."),
  statPrefix: notYet(),
});

function readString(input: StringMatchInput): StringMatch {
  if (input.prefix !== undefined) return { prefix: input.prefix };
  return input.regex === undefined ? { exact: input.exact ?? "" } : { regex: input.regex };
}

function readPresence(
  matches: Readonly<Record<string, StringMatchInput>> | undefined,
  name: (key: string) => string,
): HttpMatch["headers"] {
  return Object.fromEntries(
    Object.entries(matches ?? {}).map(([key, value]) => {
      const any = alternatives(value) === 0 || value.regex === anyValue;
      return [name(key), any ? "present" : readString(value)];
    }),
  );
}

export function readMatch(input: z.output<typeof httpMatch>): HttpMatch {
  const optional = (match: StringMatchInput | undefined): StringMatch | undefined => match && readString(match);
  const lower = (key: string): string => key.toLowerCase();
  return defined({
    name: input.name,
    uri: optional(input.uri),
    ignoreUriCase: input.ignoreUriCase ?? false,
    scheme: optional(input.scheme),
    method: optional(input.method),
    authority: optional(input.authority),
    headers: readPresence(input.headers, lower),
    withoutHeaders: readPresence(input.withoutHeaders, lower),
    queryParams: readPresence(input.queryParams, (key) => key),
    port: input.port,
    sourceLabels: input.sourceLabels ?? {},
    sourceNamespace: input.sourceNamespace,
    gateways: input.gateways && input.gateways.length > 0 ? input.gateways : undefined,
  });
}
