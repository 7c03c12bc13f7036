import fc from "fast-check";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Assembly, loadAssembly } from "../../test/support/assembly.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

/** The exports of testing/values.ts: pointers in and out. */
type Values = Record<
  | "json"
  | "written"
  | "replaced"
  | "writtenNumber"
  | "duration"
  | "config"
  | "path"
  | "encode"
  | "decode"
  | "pairs"
  | "pairBlock"
  | "metricName"
  | "number",
  (pointer: number) => number
>;

let values: Assembly<Values>;
let idOfUint8Array: number;

beforeAll(async () => {
  values = await loadAssembly<Values>("sdk/assembly/testing/values.ts");
  idOfUint8Array = classIdOf(values.encode(values.__newString("x")));
});

/** AssemblyScript's class id of an object: it stands 8 bytes before it. */
function classIdOf(pointer: number): number {
  return new DataView(values.memory?.buffer ?? new ArrayBuffer(0)).getUint32(pointer - 8, true);
}

type TextFunction = "json" | "written" | "replaced" | "duration" | "config" | "metricName";

function text(name: TextFunction, input: string): string {
  return values.__getString(values[name](values.__newString(input)));
}

function bytesOf(pointer: number): Buffer {
  return Buffer.from(values.__getUint8Array(pointer));
}

function textOf(name: "decode" | "pairs", bytes: Uint8Array): string {
  return values.__getString(values[name](values.__newArray(idOfUint8Array, [...bytes])));
}

describe("JSON", () => {
  test.each([
    ["{}", "{}"],
    [' { "a" : 1 , "b" : [ true , false , null ] } ', "{a=1 b=[true false null]}"],
    ['"\\u0041\\n\\"\\\\\\/\\b\\f\\r\\t"', '"A\n"\\/\b\f\r\t"'],
    ['"\\ud83d\\ude00"', '"😀"'],
    ["-0.5e+3", "-0.5e+3"],
    ["[[[]]]", "[[[]]]"],
    ["", "1: the text ends where a value should stand"],
    ["{", "2: a member's name in quotes is missing"],
    ['{"a":1,}', "8: a member's name in quotes is missing"],
    ["[1,]", "4: no value starts like this"],
    ['{"a":1 "b":2}', '8: "," or "}" is missing'],
    ['{"a" 1}', '6: ":" is missing'],
    ["[1 2]", '4: "," or "]" is missing'],
    ['{"a":1,"a":2}', '11: "a" is there twice'],
    ["01", "2: more text after the value"],
    ["1.", "3: a digit is missing"],
    ["-", "2: a digit is missing"],
    ["1e", "3: a digit is missing"],
    [".5", "1: no value starts like this"],
    ["+1", "1: no value starts like this"],
    ["NaN", "1: no value starts like this"],
    ["tru", "1: no value starts like this"],
    ["'a'", "1: no value starts like this"],
    ['"a', "3: a string is not closed"],
    ['"a\nb"', "3: a control character in a string is not written as an escape"],
    ['"\\x41"', "3: no such escape"],
    ['"\\u00g0"', "6: no such escape"],
    ["// a\n1", "1: no value starts like this"],
    ["1 1", "3: more text after the value"],
    ["[".repeat(40), "34: nested deeper than 32"],
  ])("%j is %j", (input, expected) => {
    expect(text("json", input)).toBe(expected);
  });

  test.each([0, -1, 200, 0.25, -12.5, 2 ** 53 - 1, NaN, -Infinity])(
    "the number %d is written as in JavaScript",
    (n) => {
      expect(values.__getString(values.writtenNumber(n))).toBe(JSON.stringify({ n, s: "é" }));
    },
  );

  test("is written as JavaScript writes it", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(text("written", json)).toBe(JSON.stringify(JSON.parse(json)));
      }),
    );
  });

  test.each([
    ['{ "a": 1.50, "gone": [1], "b": [] }', '{"a":1.50,"b":[]}'],
    ['{"a":"\\u0001\\n\\"\\\\\\/"}', '{"a":"\\u0001\\u000a\\"\\\\/"}'],
    ["{", "no JSON"],
    ['{"gone":1,"a":1,"gone":2,"a":2}', '{"a":1,"a":2}'],
  ])("%s is written as %s", (input, expected) => {
    expect(text("written", input)).toBe(expected);
  });

  test.each([
    ["{}", '{"a":"new"}'],
    ['{"b":1}', '{"b":1,"a":"new"}'],
    ['{"b":1,"a":1,"c":1,"a":2,"d":1}', '{"b":1,"a":"new","c":1,"d":1}'],
  ])("%s with another a is %s", (input, expected) => {
    expect(text("replaced", input)).toBe(expected);
  });

  test("a name that is there very often is taken out and replaced in linear time", () => {
    const many = (name: string) => `{"b":1${`,"${name}":1`.repeat(300_000)},"c":1}`;
    expect(text("written", many("gone"))).toBe('{"b":1,"c":1}');
    expect(text("replaced", many("a"))).toBe('{"b":1,"a":"new","c":1}');
  });

  test.each([
    "0",
    "-0",
    "1",
    "-1",
    "20",
    "2e1",
    "1000000",
    "0.25",
    "-12.5e-1",
    "1e22",
    "9007199254740991",
    "0.1",
    "123.456",
  ])("the number %s is what JavaScript makes of it", (input) => {
    expect(values.number(values.__newString(input))).toBe(JSON.parse(input));
  });

  test.each([
    ["1e400", Number.POSITIVE_INFINITY],
    ["1e-400", 0],
    ["1e99999999999", Number.POSITIVE_INFINITY],
  ])("the number %s is %d", (input, expected) => {
    expect(values.number(values.__newString(input))).toBe(expected);
  });
});

test.each`
  text             | result
  ${"10s"}         | ${"10000000000 10s"}
  ${"250ms"}       | ${"250000000 250ms"}
  ${"1m"}          | ${"60000000000 1m"}
  ${"90s"}         | ${"90000000000 90s"}
  ${"1h"}          | ${"3600000000000 1h"}
  ${"1.5s"}        | ${"1500000000 1500ms"}
  ${"0.5ms"}       | ${"500000 0.5ms"}
  ${"0s"}          | ${"0 0ms"}
  ${"10"}          | ${'a unit is missing; write "10s" or "10m"'}
  ${"10d"}         | ${'"d" is no unit; write ms, s, m or h'}
  ${"10 s"}        | ${'" s" is no unit; write ms, s, m or h'}
  ${""}            | ${'it is not a duration; write a number and a unit, such as "10s" or "250ms"'}
  ${"s"}           | ${'it is not a duration; write a number and a unit, such as "10s" or "250ms"'}
  ${"-1s"}         | ${'it is not a duration; write a number and a unit, such as "10s" or "250ms"'}
  ${"1.2.3s"}      | ${'it is not a duration; write a number and a unit, such as "10s" or "250ms"'}
  ${".5s"}         | ${'it is not a duration; write a number and a unit, such as "10s" or "250ms"'}
  ${"9999999999h"} | ${"it is longer than 285 years"}
`("the duration $text is $result", (row) => {
  expect(text("duration", row.text)).toBe(row.result);
});

describe("configuration", () => {
  const defaults = "10000000000 20 500 true destination none a unnamed";
  test.each([
    ["", defaults],
    ["{}", defaults],
    [
      '{"window":"1m","percent":50,"ratio":1.5,"on":false,"per":"route","header":"","names":["b","c"],"inner":{"name":"x"},"parts":[{"n":1},{"n":-2}]}',
      '60000000000 50 1500 false route "" b,c x 1 -2',
    ],
    ['{"window":"10"}', 'window is "10": a unit is missing; write "10s" or "10m"'],
    ['{"window":10}', 'window is 10: a duration such as "10s" is expected'],
    ['{"window":"11m"}', 'window is "11m": it must be from 1s to 10m'],
    ['{"percent":"20"}', 'percent is "20": a whole number is expected'],
    ['{"percent":20.5}', "percent is 20.5: a whole number is expected"],
    ['{"percent":-1}', "percent is -1: it must be from 0 to 1000"],
    ['{"percent":1e400}', "percent is 1e400: a whole number is expected"],
    ['{"ratio":2}', "ratio is 2: it must be from 0 to 1.5"],
    ['{"on":1}', "on is 1: true or false is expected"],
    ['{"per":"host"}', 'per is "host": one of destination, route is expected'],
    ['{"header":null}', "header is null: a text in quotes is expected"],
    ['{"names":["a",1]}', "names[1] is 1: a text in quotes is expected"],
    ['{"names":"a"}', 'names is "a": a list of texts is expected'],
    ['{"inner":[]}', "inner is a list: an object is expected"],
    ['{"inner":{"nam":"x"}}', "inner.nam is unknown; known are name"],
    ['{"parts":{}}', "parts is an object: a list is expected"],
    [
      '{"parts":[{"n":1},2,{}]}',
      "parts[1] is 2: an object is expected\nparts[1].n is missing: it has no default\nparts[2].n is missing: it has no default",
    ],
    ['{"taken":"x"}', 'taken is "x": it is taken'],
    [
      '{"pre":1,"on":2}',
      "on is 2: true or false is expected\npre is unknown; known are header, window, percent, ratio, on, per, names, inner, parts, taken",
    ],
    ["[]", "the configuration is a list: an object is expected"],
    ['{"on":}', "the configuration is no JSON at column 7: no value starts like this"],
  ])("%s: %s", (input, expected) => {
    expect(text("config", input)).toBe(expected);
  });
});

test.each([
  ["request.path", "request|path"],
  ["plugin_root_id", "plugin_root_id"],
  ["xds.route_metadata.filter_metadata['dev.sluice'].retryOn", "xds|route_metadata|filter_metadata|dev.sluice|retryOn"],
  ["request.headers['x-é']", "request|headers|x-é"],
  ["a['b']['c']", "a|b|c"],
  ["a['b", "a|b"],
  ["a[", "a|"],
  ["", ""],
])("the property %s has the path %s", (path, parts) => {
  expect(bytesOf(values.path(values.__newString(path))).toString()).toBe(parts.replaceAll("|", "\0"));
});

describe("UTF-8", () => {
  test.each(["", "plain", "é€😀", "\0", "a\ud800b", "\udc00\ud800"])("%j is encoded as TextEncoder does", (input) => {
    expect(bytesOf(values.encode(values.__newString(input)))).toEqual(Buffer.from(new TextEncoder().encode(input)));
  });

  test.each([
    "",
    "61",
    "c3a9",
    "e282ac",
    "f09f9880",
    "c0a7",
    "c1bf",
    "ff41",
    "e28241",
    "e282",
    "eda080",
    "f4908080",
    "f08080af",
    "80",
    "41e0a041",
    "f09f98",
    "efbfbd",
    "f8888080",
  ])("the bytes %s are decoded as TextDecoder does", (hex) => {
    const bytes = Buffer.from(hex, "hex");
    expect(textOf("decode", bytes)).toBe(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  });
});

describe("pairs", () => {
  const block = Buffer.from("\x02\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\0\0\0\0a\0bc\0d\0\0", "latin1");

  test("are read and written in the host's form", () => {
    expect(textOf("pairs", block)).toBe("a=bc\nd=");
    expect(bytesOf(values.pairBlock(values.__newString("a=bc\nd=")))).toEqual(block);
  });

  test.each(
    block
      .keys()
      .map((size) => [size])
      .toArray(),
  )("cut off after %d bytes, those that are whole are read", (size) => {
    expect(["", "a=bc"]).toContain(textOf("pairs", block.subarray(0, size)));
  });

  test("with a count that no block can hold are none", () => {
    expect(textOf("pairs", Buffer.from("ffffffff0000000000000000", "hex"))).toBe("");
  });

  test("none at all are no bytes", () => {
    expect(bytesOf(values.pairBlock(values.__newString("")))).toHaveLength(0);
  });
});

test.each([
  ["catalog", "to=.=catalog;.;calls"],
  ["", "to=.=;.;calls"],
  ["a;.;from=.=b", "to=.=a_from_b;.;calls"],
  ["a;.", "to=.=a_;.;calls"],
  [";.;.;", "to=.=_.;;.;calls"],
])("the label value %j gives the metric %j", (value, name) => {
  expect(text("metricName", value)).toBe(name);
});
