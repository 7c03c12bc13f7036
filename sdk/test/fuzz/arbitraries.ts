// What clients, upstreams, operators and a failing host may bring: anything.
import fc from "fast-check";
import type {
  ConfigInit,
  ConnectOptions,
  Duration,
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
    | {
        readonly connect: readonly (string | Uint8Array)[];
        readonly options: ConnectOptions;
        /** After each chunk. */
        readonly pause: Duration;
      }
    | { readonly config: ConfigInit }
    | {
        readonly fetch: RequestInit;
        readonly answers: readonly (UpstreamResponse | UpstreamReset)[];
        readonly options: StreamOptions;
        /** Before the first answer. */
        readonly pause: Duration;
      };
}

/** What a subject's own cases are made of. */
export interface Vocabulary {
  /** Headers that it reads or writes. */
  readonly headers: readonly string[];
  /** Fields of its configuration. */
  readonly fields: readonly string[];
  readonly hostcalls: readonly string[];
  /** Configurations that it may take. Default: those of any values only. */
  readonly configs?: fc.Arbitrary<ConfigInit>;
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
    "application/grpc",
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

/** Mostly fields that there are, with values of any kind. */
const configAct = ({ fields, configs }: Vocabulary) =>
  fc
    .oneof(
      { weight: 1, arbitrary: configOf(fields) },
      ...(configs ? [{ weight: 2, arbitrary: configs.map((config) => JSON.stringify(config)) }] : []),
    )
    .map((config) => ({ config }));

const services = fc.array(
  fc.record({ host: text, name: text, namespace: text }, { requiredKeys: [], noNullPrototype: true }),
  { maxLength: 2 },
);
const workload = fc.constantFrom("catalog-v1;store;catalog;v1;west", ";;;;", "a;b");

const metadata = fc.constantFrom("dev.sluice", "istio").chain((namespace) =>
  fc
    .dictionary(
      fc.constantFrom("retryOn", "attempts", "timeoutMs", "minimumMs", "services", "workload", "external"),
      fc.oneof(text, fc.double(), fc.boolean(), services, workload),
      {
        noNullPrototype: true,
      },
    )
    .map((values) => ({ [namespace]: values })),
);

const cluster = fc.record(
  {
    name: text,
    metadata,
    endpoints: fc.array(fc.record({ address: fc.constant("10.0.0.7:80"), metadata }), { maxLength: 2 }),
  },
  { requiredKeys: ["name", "metadata"], noNullPrototype: true },
);

const options: fc.Arbitrary<StreamOptions> = fc.record(
  {
    route: fc.record({
      name: text,
      metadata,
      retryOn: fc.constantFrom("5xx", "reset", ""),
      attempts: fc.nat({ max: 3 }),
    }),
    cluster,
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

const pause = fc.constantFrom<Duration>("0ms", "10ms", "1s", "6s");

const answersOf = (known: readonly string[]) =>
  fc.array(
    fc.oneof(
      fc.constantFrom<UpstreamReset>({ reset: "connection-failure" }, { reset: "remote-reset" }),
      fc.record(
        {
          ...{ status: fc.integer({ min: 200, max: 599 }), headers: headersOf(known), body: value },
          trailers: headersOf(known),
        },
        { requiredKeys: ["status", "headers", "body"] },
      ),
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
export function casesOfEverything(vocabulary: Vocabulary, paths: readonly string[]): fc.Arbitrary<Case> {
  const { headers, hostcalls } = vocabulary;
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
    { weight: 2, arbitrary: configAct(vocabulary) },
  );
  return fc.record({ faults: faultsOf(hostcalls), act });
}

/** Cases for a network filter. */
export function casesOfConnections(vocabulary: Vocabulary): fc.Arbitrary<Case> {
  const connect = fc.record({
    connect: fc.oneof(chunks, fc.constantFrom(["hold", "more"], ["close", "late"])),
    options: fc.tuple(options, fc.boolean()).map(([{ route: _, ...rest }, isRefused]) => ({ ...rest, isRefused })),
    pause,
  });
  const act = fc.oneof({ weight: 12, arbitrary: connect }, { weight: 1, arbitrary: configAct(vocabulary) });
  return fc.record({ faults: faultsOf(vocabulary.hostcalls), act });
}

/** Cases for an HTTP filter. */
export function casesOf(vocabulary: Vocabulary): fc.Arbitrary<Case> {
  const { headers, hostcalls } = vocabulary;
  const fetch = fc.record({
    fetch: fc.record({ method: fc.constantFrom("GET", "POST"), headers: headersOf(headers), body: value }),
    answers: answersOf(headers),
    options,
    pause,
  });
  const act = fc.oneof({ weight: 12, arbitrary: fetch }, { weight: 1, arbitrary: configAct(vocabulary) });
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
