import * as z from "zod";
import { type CustomTag, providers, type TracingRule } from "../model/telemetry.ts";
import { defined, text, withRule } from "./fields.ts";
import { formatComplaint } from "./format-string.ts";
import { token } from "./http-headers.ts";
import { mode, modeOf, namesOf, providerRefs } from "./telemetry-parts.ts";

const named = z.strictObject({
  name: z.string().min(1),
  defaultValue: z.string().optional().describe("Where there is none. Default: no tag."),
});

/** Envoy refuses all routes of a proxy for one that is none. */
const headerName = text((name) => (token.test(name.replace(/^:/, "")) ? undefined : "not a valid header name"));

const oneType = "must have exactly one of literal, environment, header and formatter";

// Without a CEL rule: for so many tags an API server reckons that it costs too much, and takes no such definition.
const customTag = withRule(
  z.strictObject({
    literal: z
      .strictObject({ value: z.string().min(1).describe("The tag's value.") })
      .optional()
      .describe("The same value at every span."),
    environment: named.optional().describe("A variable of the proxy's environment."),
    header: z
      .strictObject({ ...named.shape, name: headerName })
      .optional()
      .describe("A header of the request."),
    formatter: z
      .strictObject({ value: text(formatComplaint).describe("A format string, as of access logs: %REQ(x-a)%.") })
      .optional()
      .describe("What Envoy makes of a format string."),
  }),
  (tag) => (Object.keys(tag).length === 1 ? [] : [{ message: oneType }]),
);

export const tracingRule = z.strictObject({
  match: z.strictObject({ mode }).optional().describe("Default: both sides."),
  providers: providerRefs(providers.tracing),
  randomSamplingPercentage: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe("Of requests about which no caller has decided. In steps of 0.01. Default: 1."),
  disableSpanReporting: z.boolean().optional().describe("No spans are reported; headers go on as they do."),
  customTags: z.record(z.string().min(1), customTag).optional().describe("By name. They replace those of wider rules."),
  enableIstioTags: z.boolean().optional().describe("Tags istio.canonical_service and so on. Default: true."),
  useRequestIdForTraceSampling: z.boolean().optional().describe("Known; only true, the default, is supported."),
  disableContextPropagation: z.boolean().optional().describe("Known; only false, the default, is supported."),
});

const inListeners = "Envoy holds that in its listeners, whose change would close connections";

/** What a rule asks for and does not get: the field, and what goes on after it. */
export function unsupported(
  rule: z.output<typeof tracingRule>,
): readonly (readonly [field: string, message: string])[] {
  const found: [string, string][] = [];
  if (rule.useRequestIdForTraceSampling === false) {
    const message = `is false, which has no effect: ${inListeners}; what a caller has decided counts before the request id`;
    found.push(["useRequestIdForTraceSampling", message]);
  }
  if (rule.disableContextPropagation === true) {
    const message = `is true, which has no effect: ${inListeners}; the headers must be removed behind this proxy`;
    found.push(["disableContextPropagation", message]);
  }
  return found;
}

export function readTracing(rule: z.output<typeof tracingRule>): TracingRule {
  return defined({
    providers: namesOf(rule.providers),
    mode: modeOf(rule.match),
    samplingPercent: rule.randomSamplingPercentage,
    disableSpanReporting: rule.disableSpanReporting,
    customTags: rule.customTags && new Map(Object.entries(rule.customTags).flatMap(readTag)),
    enableIstioTags: rule.enableIstioTags,
  });
}

function readTag([tag, from]: [string, z.output<typeof customTag>]): [string, CustomTag][] {
  const { literal, environment, header, formatter } = from;
  if (formatter) return [[tag, { from: "format", value: formatter.value }]];
  if (literal) return [[tag, { from: "literal", value: literal.value }]];
  const source = environment ?? header;
  if (!source) return [];
  const { name, defaultValue = "" } = source;
  return [[tag, { from: environment ? "environment" : "header", name, defaultValue }]];
}
