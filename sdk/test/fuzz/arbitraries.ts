// What clients, upstreams, operators and a failing host may bring: anything.
import fc from "fast-check";
import type {
  ConfigInit,
  Host,
  RequestInit,
  StreamOptions,
  UpstreamReset,
  UpstreamResponse,
} from "../../host/index.ts";
import type { Visit } from "../everything.ts";

/** A hostcall that answers a status, or the module without memory, for some calls. */
export interface PlannedFault {
  readonly hostcall: string | undefined;
  readonly status: number;
  readonly after: number;
  readonly times: number;
}

/** One case: something goes wrong, or nothing, and something is done. */
export interface Case {
  readonly faults: readonly PlannedFault[];
  readonly act:
    | { readonly visit: Visit }
    | { readonly connect: readonly (string | Uint8Array)[] }
    | { readonly config: ConfigInit }
    | {
        readonly fetch: RequestInit;
        readonly answers: readonly (UpstreamResponse | UpstreamReset)[];
        readonly options: StreamOptions;
      };
}

/** What a subject's own cases are made of. */
export interface Vocabulary {
  /** Headers that it reads or writes. */
  readonly headers: readonly string[];
  /** Fields of its configuration. */
  readonly fields: readonly string[];
  readonly hostcalls: readonly string[];
}

const nasty = [
  ...[
    "",
    "\0",
    " ",
    "\r\n",
    ";",
    "=",
    ",",
    ";.;",
    "=.=",
    "a=.=b;.;",
    "-",
    "-1",
    "0",
    "00",
    "0.5",
    "1e400",
    "NaN",
    "0x1",
  ],
  ...[
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999",
    "99999999H",
    "5S",
    "1n",
    "10s",
    "1.5m",
    "9".repeat(400),
  ],
  ...[
    "é",
    "\u{1f600}",
    "\ufffd",
    "%",
    "%zz",
    "{",
    "[",
    '{"a":',
    "null",
    "true",
    "[]",
    "{}",
    "..",
    "application/json",
    '{"a":[{"a":1}],"b":{"c":1},"b":[{"c":2},3]}',
    "a".repeat(5000),
    "*",
  ],
  ...[
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "0b1ce9a2-1c3f-4a7b-9d2e-0123456789ab",
    "v1",
    "reserved 3 9",
  ],
  ...["xds.node", "request.headers['x']", "request.headers[", "source.address", "connection.mtls", "[[['", "a.b.c"],
] as const;

/** A text of any kind, or bytes that are none. */
const value = fc.oneof(
  fc.constantFrom(...nasty),
  fc.nat().map(String),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.uint8Array({ maxLength: 60 }),
);
const text = fc.oneof(fc.constantFrom(...nasty), fc.string({ unit: "binary", maxLength: 40 }));

const namesOf = (known: readonly string[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...known) }, { weight: 1, arbitrary: fc.constantFrom(...nasty) });

const headersOf = (known: readonly string[]) =>
  fc.dictionary(namesOf(known), fc.oneof(value, fc.array(value, { maxLength: 3 })), {
    maxKeys: 6,
    noNullPrototype: true,
  });
const trailersOf = (known: readonly string[]) =>
  fc.option(fc.dictionary(namesOf(known), value, { maxKeys: 3, noNullPrototype: true }), { nil: undefined });

/** Large ones are rare: they cost more than all others together. */
const chunks = fc.array(
  fc.oneof(
    { weight: 30, arbitrary: value },
    { weight: 1, arbitrary: fc.nat({ max: 100_000 }).map((size) => "b".repeat(size)) },
  ),
  { maxLength: 4 },
);

const json = fc.json({ maxDepth: 3, stringUnit: "binary" });

/** Fields that there are, with values of any kind; else any text. */
const configOf = (fields: readonly string[]): fc.Arbitrary<ConfigInit> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .dictionary(
          namesOf(fields),
          fc.oneof(
            text,
            json.map((found) => JSON.parse(found)),
          ),
          { maxKeys: 5, noNullPrototype: true },
        )
        .map((config) => JSON.stringify(config)),
    },
    { weight: 1, arbitrary: fc.tuple(json, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))) },
    { weight: 1, arbitrary: value },
  );

const metadata = fc.constantFrom("dev.sluice", "istio").chain((namespace) =>
  fc
    .dictionary(
      fc.constantFrom("retryOn", "attempts", "timeoutMs", "minimumMs", "services", "workload"),
      fc.oneof(text, fc.double(), fc.boolean()),
      {
        noNullPrototype: true,
      },
    )
    .map((values) => ({ [namespace]: values })),
);

const options: fc.Arbitrary<StreamOptions> = fc.record(
  {
    route: fc.record({
      name: text,
      metadata,
      retryOn: fc.constantFrom("5xx", "reset", ""),
      attempts: fc.nat({ max: 3 }),
    }),
    cluster: fc.record({ name: text, metadata }),
    properties: fc.dictionary(
      fc.constantFrom(
        "upstream.uri_san_peer_certificate",
        "response.code",
        "request.protocol",
        "request.duration",
        "response.flags",
      ),
      fc.oneof(value, fc.bigInt({ min: -5n, max: 700n }), fc.boolean()),
      { noNullPrototype: true },
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);

const answersOf = (known: readonly string[]) =>
  fc.array(
    fc.oneof(
      fc.constantFrom<UpstreamReset>({ reset: "connection-failure" }, { reset: "remote-reset" }),
      fc.record({ status: fc.integer({ min: 200, max: 599 }), headers: headersOf(known), body: value }),
    ),
    { minLength: 1, maxLength: 4 },
  );

function faultsOf(hostcalls: readonly string[]): fc.Arbitrary<readonly PlannedFault[]> {
  const fault = fc.record({
    hostcall: fc.option(fc.constantFrom(...hostcalls), { nil: undefined }),
    status: fc.integer({ min: 1, max: 12 }),
    after: fc.nat({ max: 30 }),
    times: fc.integer({ min: 1, max: 20 }),
  });
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fault, { maxLength: 3 }) },
  );
}

/** Cases for `testing/everything.ts`. */
export function casesOfEverything(
  { headers, fields, hostcalls }: Vocabulary,
  paths: readonly string[],
): fc.Arbitrary<Case> {
  const visit = fc.record({
    path: fc.constantFrom(...paths),
    headers: headersOf(headers),
    chunks,
    trailers: trailersOf(headers),
    answer: fc.constantFrom("message", "metadata", "close", "fail", "never"),
    options,
  });
  const act = fc.oneof(
    { weight: 8, arbitrary: visit.map((one) => ({ visit: one })) },
    { weight: 2, arbitrary: configOf(fields).map((config) => ({ config })) },
  );
  return fc.record({ faults: faultsOf(hostcalls), act });
}

/** Cases for a network filter. */
export function casesOfConnections({ hostcalls }: Vocabulary): fc.Arbitrary<Case> {
  const connect = fc.oneof(chunks, fc.constantFrom(["hold", "more"], ["close", "late"]));
  return fc.record({ faults: faultsOf(hostcalls), act: connect.map((sent) => ({ connect: sent })) });
}

/** Cases for an HTTP filter. */
export function casesOf({ headers, fields, hostcalls }: Vocabulary): fc.Arbitrary<Case> {
  const fetch = fc.record({
    fetch: fc.record({ method: fc.constantFrom("GET", "POST"), headers: headersOf(headers), body: value }),
    answers: answersOf(headers),
    options,
  });
  const act = fc.oneof(
    { weight: 12, arbitrary: fetch },
    { weight: 1, arbitrary: configOf(fields).map((config) => ({ config })) },
  );
  return fc.record({ faults: faultsOf(hostcalls), act });
}

/** Makes a case's faults happen, until the result is called. */
export function plan(host: Host, faults: readonly PlannedFault[]): () => void {
  const planned = faults.map(({ hostcall, status, ...options }) =>
    hostcall === undefined ? host.faults.failAllocation(options) : host.faults.fail(hostcall, status, options),
  );
  return () => {
    for (const fault of planned) fault.end();
  };
}
