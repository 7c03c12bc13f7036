import * as z from "zod";
import type { HeaderChanges, HeaderOperations } from "../model/virtual-service.ts";
import { text } from "./fields.ts";

// Control characters could split a header in two; tab is allowed.
const value = text((content) =>
  [...content].every((letter) => letter === "\t" || (letter >= " " && letter !== "\u007f"))
    ? undefined
    : "control characters can't stand in a header",
);

const token = /^[-!#$%&'*+.^_`|~0-9A-Za-z]+$/;

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
    remove: z.array(name({ authority: false })).optional(),
  });
}

export const headerOperations = z.strictObject({
  request: changes({ authority: true }).optional(),
  response: changes({ authority: false }).optional(),
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
