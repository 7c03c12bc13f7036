import * as z from "zod";
import type { HeaderChanges, HeaderOperations } from "../model/virtual-service.ts";
import { text } from "./fields.ts";

/** Text with Envoy's values in it, such as `%HOSTNAME%` or `%REQ(x-a):8%`; `%%` is a percent sign. */
const format = /^([^%]|%%|%[A-Z][A-Z0-9_]*(\([^)]*\))?(:\d+)?%)*$/;

/** What Envoy can't read as a format, it refuses together with all other routes of the proxy. */
export function headerValueComplaint(content: string): string | undefined {
  // They could split a header in two; tab is allowed.
  const isClean = [...content].every((letter) => letter === "\t" || (letter >= " " && letter !== "\u007f"));
  if (!isClean) return "control characters can't stand in a header";
  return format.test(content)
    ? undefined
    : "% begins a value of Envoy, such as %HOSTNAME%; write %% for a percent sign";
}

const value = text(headerValueComplaint);

/** The name of a header as it is sent. */
export const token = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;

/** Envoy keeps `:` headers and host to itself; a request's authority can be set, nothing else of them. */
function name({ authority }: { readonly authority: boolean }) {
  return text((header) => {
    const isAuthority = /^(:authority|host)$/i.test(header);
    if (isAuthority) return authority ? undefined : "the host can only be set in request headers";
    if (header.startsWith(":")) return 'header cannot have ":" prefix';
    return token.test(header) ? undefined : "not a valid header name";
  });
}

function changes({ authority }: { readonly authority: boolean }) {
  return z.strictObject({
    set: z.record(name({ authority }), value).optional().describe("Replaces the header."),
    add: z.record(name({ authority }), value).optional().describe("Adds a value."),
    remove: z
      .array(name({ authority: false }))
      .optional()
      .describe("Names."),
  });
}

export const headerOperations = z.strictObject({
  request: changes({ authority: true }).optional().describe("Of requests, before they go on."),
  response: changes({ authority: false }).optional().describe("Of responses, before they go back."),
});

type ChangesInput = z.output<ReturnType<typeof changes>>;

function lowerKeys(headers: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([key, content]) => [key.toLowerCase(), content]));
}

function readChanges(input: ChangesInput = {}): HeaderChanges {
  return {
    set: lowerKeys(input.set),
    add: lowerKeys(input.add),
    remove: (input.remove ?? []).map((header) => header.toLowerCase()),
  };
}

export function readHeaders(input: z.output<typeof headerOperations>): HeaderOperations {
  return { request: readChanges(input.request), response: readChanges(input.response) };
}
