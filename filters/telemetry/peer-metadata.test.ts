// Peer metadata against a protobuf library's Struct: what a proxy writes, and whatever it may read.

import { fromBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type Struct, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Host } from "../../sdk/host/index.ts";
import { valueOfPeer } from "./test-support/labels.ts";
import { cluster, inbound, labelsIn, load, node, plain, raisedBy } from "./test-support/requests.ts";

const name = fc.oneof(
  fc.constantFrom("WORKLOAD_NAME", "NAMESPACE", "CLUSTER_ID", "LABELS"),
  fc.constantFrom("app", "version", "service.istio.io/canonical-name", "app.kubernetes.io/name", "", "x"),
);
const text = fc.oneof(fc.constantFrom("catalog", "", "é", "\u{1f600}"), fc.string({ unit: "binary", maxLength: 12 }));

/** A Value of any kind, and an entry of a Struct; `more`: fields that nobody knows. */
interface Entry {
  readonly name: string;
  readonly value: Value;
  readonly more: readonly number[];
}
type Value =
  | { readonly text: string }
  | { readonly struct: readonly Entry[] }
  | { readonly kind: "null" | "number" | "bool" | "list" | "none" };

const { struct } = fc.letrec<{ struct: readonly Entry[]; value: Value }>((tie) => ({
  struct: fc.uniqueArray(
    fc.record({ name, value: tie("value"), more: fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }) }),
    { maxLength: 6, selector: (entry) => entry.name },
  ),
  value: fc.oneof(
    { depthSize: "small", maxDepth: 4 },
    { weight: 4, arbitrary: fc.record({ text }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("null", "number", "bool", "list", "none") }) },
    { weight: 3, arbitrary: fc.record({ struct: tie("struct") }) },
  ),
}));

/** Protobuf's wire format, with the fields that nobody knows before the value. */
function written(entries: readonly Entry[]): Uint8Array {
  const to = new BinaryWriter();
  for (const { name, value, more } of entries) {
    to.tag(1, WireType.LengthDelimited).fork();
    to.tag(1, WireType.LengthDelimited).string(name);
    for (const kind of more) writeUnknown(to, kind);
    to.tag(2, WireType.LengthDelimited).bytes(valueBytes(value, more));
    to.join();
  }
  return to.finish();
}

function valueBytes(value: Value, more: readonly number[]): Uint8Array {
  const to = new BinaryWriter();
  for (const kind of more) writeUnknown(to, kind);
  if ("text" in value) to.tag(3, WireType.LengthDelimited).string(value.text);
  else if ("struct" in value) to.tag(5, WireType.LengthDelimited).bytes(written(value.struct));
  else if (value.kind === "null") to.tag(1, WireType.Varint).int32(0);
  else if (value.kind === "number") to.tag(2, WireType.Bit64).double(1.5);
  else if (value.kind === "bool") to.tag(4, WireType.Varint).bool(true);
  else if (value.kind === "list") to.tag(6, WireType.LengthDelimited).bytes(new Uint8Array());
  return to.finish();
}

function writeUnknown(to: BinaryWriter, kind: number): void {
  if (kind === 0) to.tag(9, WireType.Varint).uint64(2n ** 63n);
  else if (kind === 1) to.tag(100, WireType.Bit64).fixed64(7n);
  else if (kind === 2) to.tag(2 ** 29 - 1, WireType.LengthDelimited).string("unknown");
  else to.tag(10, WireType.Bit32).fixed32(7);
}

/** What the library reads; nothing where it can't. */
function readByLibrary(bytes: Uint8Array): Struct["fields"] {
  try {
    return fromBinary(StructSchema, bytes).fields;
  } catch {
    return {};
  }
}

const stringIn = (fields: Struct["fields"], key: string): string => {
  const kind = fields[key]?.kind;
  return kind?.case === "stringValue" ? kind.value : "";
};

/** The labels of a peer that says this of itself. */
function labelsOf(said: Uint8Array) {
  const fields = readByLibrary(said);
  const inner = fields["LABELS"]?.kind;
  const labels = inner?.case === "structValue" ? inner.value.fields : {};
  return {
    source_workload: valueOfPeer(stringIn(fields, "WORKLOAD_NAME")),
    source_workload_namespace: valueOfPeer(stringIn(fields, "NAMESPACE")),
    source_cluster: valueOfPeer(stringIn(fields, "CLUSTER_ID")),
    source_canonical_service: valueOfPeer(stringIn(labels, "service.istio.io/canonical-name")),
    source_app: valueOfPeer(stringIn(labels, "app.kubernetes.io/name") || stringIn(labels, "app")),
    source_version: valueOfPeer(stringIn(labels, "version")),
  };
}

describe("a caller's metadata are read as a protobuf library reads them", () => {
  let host: Host;
  beforeAll(async () => {
    host = await load({ ...inbound, config: { seriesMax: 10_000 } });
  });

  function labelsOfCaller(metadata: string) {
    const headers = { "x-envoy-peer-metadata": metadata };
    return labelsIn(raisedBy(host, () => host.fetch({ headers }, undefined, { cluster, properties: plain })));
  }
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

  test("whatever they say, and cut anywhere", () => {
    fc.assert(
      fc.property(struct, fc.option(fc.nat()), (said, cut) => {
        const whole = written(said);
        const bytes = cut === null ? whole : whole.subarray(0, cut % (whole.length + 1));
        expect(labelsOfCaller(base64(bytes))).toMatchObject(labelsOf(bytes));
      }),
      { seed: 31, numRuns: 500 },
    );
  });

  test("and what is no UTF-8 as U+FFFD, where such a library refuses the whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
        const place = written([{ name: "WORKLOAD_NAME", value: { text: "\u0001".repeat(bytes.length) }, more: [] }]);
        const said = Buffer.from(place).fill(bytes, place.length - bytes.length);
        const name = valueOfPeer(Buffer.from(bytes).toString());
        expect(labelsOfCaller(base64(said))).toMatchObject({ source_workload: name });
      }),
      { seed: 34, numRuns: 200 },
    );
  });

  test("only of base64, padded or not", () => {
    const known = written([{ name: "WORKLOAD_NAME", value: { text: "catalog" }, more: [] }]);
    const noise = fc.constantFrom("", "=", "==", "===", "-", "_", " ", "A", "AA", "AAA", "\u{e9}");
    fc.assert(
      fc.property(fc.nat(), noise, (at, some) => {
        const right = base64(known).replace(/=+$/, "");
        const place = at % (right.length + 1);
        const said = `${right.slice(0, place)}${some}${right.slice(place)}`;
        const digits = said.replace(/={1,2}$/, "");
        const isBase64 = /^[A-Za-z0-9+/]*$/.test(digits) && digits.length % 4 !== 1;
        const bytes = isBase64 ? Buffer.from(digits, "base64") : new Uint8Array();
        expect(labelsOfCaller(said)).toMatchObject(labelsOf(bytes));
      }),
      { seed: 32, numRuns: 300 },
    );
  });
});

test("a proxy's own metadata are what a protobuf library reads of them", async () => {
  const own = fc.string({ unit: "grapheme", maxLength: 200 });
  const property = fc.asyncProperty(
    fc.record({
      NAME: own,
      NAMESPACE: own,
      WORKLOAD_NAME: own,
      CLUSTER_ID: own,
      OWNER: own,
      LABELS: fc.record({ app: own, version: own }),
    }),
    fc.record({ region: own, zone: own }),
    async (metadata, locality) => {
      const host = await load({ node: { ...node, metadata, locality } });
      let seen = "";
      const note = (headers: { get(name: string): string | undefined }) => {
        seen = headers.get("x-envoy-peer-metadata") ?? "";
        return { status: 200 };
      };
      host.fetch({}, ({ headers }) => note(headers), { cluster, properties: plain });
      const { LABELS, ...rest } = metadata;
      const fields = readByLibrary(Buffer.from(seen, "base64"));
      const labels = fields["LABELS"]?.kind;
      const texts = { ...rest, REGION: locality.region, AVAILABILITY_ZONE: locality.zone };
      for (const [key, value] of Object.entries(texts)) expect(stringIn(fields, key)).toBe(value);
      for (const [key, value] of Object.entries(LABELS))
        expect(labels?.case === "structValue" && stringIn(labels.value.fields, key)).toBe(value);
      expect(Object.keys(fields)).toEqual(Object.keys(fields).toSorted());
      expect(base64IsCanonical(seen)).toBe(true);
    },
  );
  await fc.assert(property, { seed: 33, numRuns: 60 });
});

function base64IsCanonical(text: string): boolean {
  return Buffer.from(text, "base64").toString("base64") === text;
}
