// A header map with Envoy's habits: names in lower case, values of any bytes, and for the names that Envoy keeps
// "inline" one entry whose values are joined.
import { type ByteString, toArray, toByteString, toText } from "./bytes.ts";
import type { Pair } from "./pairs.ts";

/** Headers as a test writes them: a text (sent as UTF-8), bytes, or several values of one name. */
export type HeadersInit = Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
export type HeaderValue = string | Uint8Array;

/** Headers as a test reads them. Names are taken in any case. */
export interface HeaderView {
  /** First value of a name, as text; undefined if there is none. */
  get(name: string): string | undefined;
  /** All values of a name, as text. */
  getAll(name: string): string[];
  /** First value of a name, as bytes; undefined if there is none. */
  bytes(name: string): Uint8Array | undefined;
  has(name: string): boolean;
  /** All headers in order, as text. */
  entries(): [string, string][];
}

/** Names of both maps for which a second value is joined to the first with a comma [measured, Envoy 1.40]. */
const inlineInBoth =
  "connection content-length content-type x-envoy-attempt-count x-envoy-decorator-operation keep-alive proxy-connection proxy-status x-request-id transfer-encoding upgrade via cache-control content-encoding";

const inlineInRequests = new Set(
  `${inlineInBoth} x-client-trace-id x-envoy-downstream-service-cluster x-envoy-downstream-service-node x-envoy-external-address x-envoy-force-trace x-envoy-hedge-on-per-try-timeout x-envoy-internal x-envoy-ip-tags x-envoy-is-timeout-retry x-envoy-original-path x-envoy-original-host x-envoy-retriable-status-codes x-envoy-retriable-header-names x-envoy-retry-on x-envoy-retry-grpc-on x-envoy-upstream-alt-stat-name x-envoy-upstream-rq-timeout-alt-response expect x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto grpc-timeout grpc-accept-encoding :authority :method :path :protocol :scheme te user-agent x-envoy-expected-rq-timeout-ms x-envoy-max-retries x-envoy-upstream-rq-timeout-ms x-envoy-upstream-rq-per-try-timeout-ms x-envoy-upstream-stream-duration-ms accept accept-encoding authorization origin referer access-control-request-method access-control-request-headers if-none-match if-modified-since pragma`.split(
    " ",
  ),
);

const inlineInResponses = new Set(
  `${inlineInBoth} date x-envoy-degraded x-envoy-immediate-health-check-fail x-envoy-ratelimited x-envoy-upstream-canary x-envoy-upstream-healthchecked-cluster x-envoy-upstream-service-time grpc-message grpc-status server :status location etag vary access-control-allow-origin last-modified age expires`.split(
    " ",
  ),
);

const inline = {
  request: inlineInRequests,
  response: inlineInResponses,
  "request trailers": new Set<string>(),
  "response trailers": new Set(["grpc-message", "grpc-status"]),
} as const;

/** The headers or trailers of one message, in order. */
export class HeaderMap implements HeaderView {
  readonly #kind: keyof typeof inline;
  #pairs: Pair[] = [];

  constructor(kind: keyof typeof inline, init: HeadersInit = {}) {
    this.#kind = kind;
    for (const [name, values] of Object.entries(init))
      for (const value of isList(values) ? values : [values]) this.add(toByteString(name), toByteString(value));
  }

  get(name: string): string | undefined {
    const value = this.first(toByteString(name));
    return value === undefined ? undefined : toText(value);
  }

  getAll(name: string): string[] {
    return this.all(toByteString(name)).map(toText);
  }

  bytes(name: string): Uint8Array | undefined {
    const value = this.first(toByteString(name));
    return value === undefined ? undefined : toArray(value);
  }

  has(name: string): boolean {
    return this.first(toByteString(name)) !== undefined;
  }

  entries(): [string, string][] {
    return this.#pairs.map(([name, value]) => [toText(name), toText(value)]);
  }

  get pairs(): readonly Pair[] {
    return this.#pairs;
  }

  /** Bytes of all names and values. */
  get sizeBytes(): number {
    return this.#pairs.reduce((size, [name, value]) => size + name.length + value.length, 0);
  }

  /** First value of a name; undefined if there is none. */
  first(name: ByteString): ByteString | undefined {
    const key = this.#key(name);
    return this.#pairs.find((pair) => pair[0] === key)?.[1];
  }

  /** All values of a name. */
  all(name: ByteString): ByteString[] {
    const key = this.#key(name);
    return this.#pairs.filter((pair) => pair[0] === key).map((pair) => pair[1]);
  }

  /** Adds a value at the end, a pseudo header's after the others; of an inline name that is there, to its value. */
  add(name: ByteString, value: ByteString): void {
    const key = this.#key(name);
    const old = inline[this.#kind].has(key) ? this.first(key) : undefined;
    if (old !== undefined) this.set(key, old === "" ? value : `${old},${value}`);
    else if (key.startsWith(":")) this.#pairs.splice(this.#pseudoCount, 0, [key, value]);
    else this.#pairs.push([key, value]);
  }

  /** Writes a value in the place of the first one, as Envoy itself does with its own headers; else at the end. */
  set(name: ByteString, value: ByteString): void {
    const key = this.#key(name);
    const at = this.#pairs.findIndex((pair) => pair[0] === key);
    if (at === -1) this.add(key, value);
    else this.#pairs[at] = [key, value];
  }

  /** Leaves one value of a name, at the end [measured, Envoy 1.40]. */
  replace(name: ByteString, value: ByteString): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: ByteString): void {
    const key = this.#key(name);
    this.#pairs = this.#pairs.filter((pair) => pair[0] !== key);
  }

  /** @param names in lower case, "host" not among them */
  removeAll(names: ReadonlySet<ByteString>): void {
    this.#pairs = this.#pairs.filter(([name]) => !names.has(name));
  }

  clear(): void {
    this.#pairs = [];
  }

  /** Pseudo headers stand first. */
  get #pseudoCount(): number {
    const count = this.#pairs.findIndex(([name]) => !name.startsWith(":"));
    return count === -1 ? this.#pairs.length : count;
  }

  #key(name: ByteString): ByteString {
    const key = /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
    return key === "host" && this.#kind === "request" ? ":authority" : key;
  }
}

function isList(values: HeaderValue | readonly HeaderValue[]): values is readonly HeaderValue[] {
  return Array.isArray(values);
}
