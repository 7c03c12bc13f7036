import type { HeaderView } from "../host/index.ts";
import { isText, listed, shown, type Verdict, verdict } from "./verdict.ts";

/** A reply, an attempt, a call, or a map of headers itself. */
export type HasHeaders = HeaderView | { readonly headers: HeaderView };

/** @see Matchers.toHaveHeader */
export function toHaveHeader(received: HasHeaders, name: string, value?: string | RegExp): Verdict {
  const headers = "headers" in received ? received.headers : received;
  const values = headers.getAll(name);
  const pass = value === undefined ? values.length > 0 : values.some((one) => isText(one, value));
  const wanted = `a header ${name}${value === undefined ? "" : `: ${shown(value)}`}`;
  return verdict(pass, wanted, () => listHeaders(headers));
}

/** All headers, a line each. */
export function listHeaders(headers: HeaderView): string {
  return listed(
    "headers",
    headers.entries().map(([name, value]) => `${name}: ${value}`),
  );
}
