import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigRefused, Host, type StreamOptions, type UpstreamResponse } from "../../sdk/host/index.ts";
import { compilePuppet } from "../../sdk/host/testdata/compile.ts";
import { cluster, load, module, node, plain } from "./test-support/requests.ts";
import "../../sdk/vitest/index.ts";

interface Fetched {
  readonly request?: Parameters<Host["fetch"]>[0];
  readonly answer?: UpstreamResponse;
  readonly options?: StreamOptions;
}

const logging = (accessLog: object) => load({ config: { accessLog, metrics: [{ drop: true }] } });

/** What a request leaves for the file logger. */
function lineOf(host: Host, { request = {}, answer = { status: 200 }, options = {} }: Fetched): string | undefined {
  const properties = { ...plain, ...options.properties };
  const reply = host.fetch(request, () => answer, { cluster, ...options, properties });
  return reply.filterState.get("sluice.access-log");
}

/** A text in CEL. */
const literal = (text: string) =>
  `'${[...text].map((char) => `\\U${(char.codePointAt(0) ?? 0).toString(16).padStart(8, "0")}`).join("")}'`;

const fieldsOf = (line: string | undefined) => JSON.parse(line ?? "");

describe("the line", () => {
  test("has the fields of the configuration, in its order, as JSON has them", async () => {
    const host = await logging({
      fields: {
        ...{ method: "request.method", path: "request.path", response_code: "response.code", took: "request.duration" },
        ...{ flags: "response.flags", user: "request.headers['x-user']", mtls: "connection.mtls", half: "0.5" },
        ...{ slow: "request.duration > duration('5ms')", referer: "request.referer", who: "'me: ' + request.host" },
      },
    });
    const line = lineOf(host, {
      request: { path: "/items?q=1", host: "shop.test", headers: { "x-user": "ann" } },
      answer: { status: 503, after: "1007ms" },
    });
    expect(line).toBe(
      '{"method":"GET","path":"/items?q=1","response_code":503,"took":1007,"flags":"-","user":"ann","mtls":false,' +
        '"half":0.5,"slow":true,"referer":null,"who":"me: shop.test"}\n',
    );
  });

  test("has response flags by their names, and of a request without an answer code 0", async () => {
    const fields = { code: "response.code", flags: "response.flags", details: "response.code_details" };
    const host = await logging({ fields });
    expect(fieldsOf(lineOf(host, { options: { route: null } }))).toMatchObject({ code: 404, flags: "NR" });
    const stream = host.stream({}, { cluster, properties: plain });
    stream.disconnect();
    expect(fieldsOf(stream.reply.filterState.get("sluice.access-log"))).toMatchObject({ code: 0, flags: "DC" });
  });

  test("has the bytes of a body that came, not those that content-length speaks of", async () => {
    const host = await logging({ fields: { received: "request.size", sent: "response.size" } });
    const request = {
      method: "POST",
      headers: { "content-length": "1000000", "x-many": ["a", ""] },
      body: "0123456789",
    };
    expect(fieldsOf(lineOf(host, { request, answer: { status: 200, body: "ok" } }))).toEqual({ received: 10, sent: 2 });
  });

  test("has null for an attribute that is empty, and what a caller left empty as it is", async () => {
    const fields = {
      sni: "connection.requested_server_name",
      user: "request.headers['x-user']",
      agent: "request.useragent",
    };
    const options = { properties: { "connection.requested_server_name": "" } };
    const request = { headers: { "x-user": "", "user-agent": "" } };
    expect(fieldsOf(lineOf(await logging({ fields }), { request, options }))).toEqual({
      sni: null,
      user: "",
      agent: "",
    });
  });

  test("has moments as RFC 3339 has them", async () => {
    const { start_time } = fieldsOf(lineOf(await logging({ fields: { start_time: "request.time" } }), {}));
    expect(start_time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  });

  test.each`
    expression                           | value
    ${"1"}                               | ${1}
    ${"-12"}                             | ${-12}
    ${"0"}                               | ${0}
    ${"12u"}                             | ${12}
    ${"1.25"}                            | ${1.25}
    ${"'12'"}                            | ${"12"}
    ${"'true'"}                          | ${"true"}
    ${"false"}                           | ${false}
    ${"b'-'"}                            | ${"-"}
    ${"b'1.'"}                           | ${"1."}
    ${"b'1.5x'"}                         | ${"1.5x"}
    ${"b'1e'"}                           | ${"1e"}
    ${"b'1e+'"}                          | ${"1e+"}
    ${"b'1e5'"}                          | ${1e5}
    ${"b'1.5e-3'"}                       | ${0.0015}
    ${"b'007'"}                          | ${"007"}
    ${"b'x'"}                            | ${"x"}
    ${"'a\\n\\t\\u0001\\u001f\"\\\\'"}   | ${'a\n\t\u0001\u001f"\\'}
    ${"[1, 2]"}                          | ${null}
    ${"request.headers['x-none'] + 'a'"} | ${null}
  `("has $value for $expression", async ({ expression, value }) => {
    expect(fieldsOf(lineOf(await logging({ fields: { it: expression } }), {}))).toEqual({ it: value });
  });

  test("has what is computed beside attributes", async () => {
    const fields = { path: "request.path", class: "response.code-200", size: "request.size-1", code: "response.code" };
    expect(fieldsOf(lineOf(await logging({ fields }), { request: { path: "/a" }, answer: { status: 404 } }))).toEqual({
      ...{ path: "/a", class: 204, size: -1, code: 404 },
    });
  });

  test("has all but filter state that is no UTF-8", async () => {
    const fields = { path: "request.path", at: "filter_state['wasm.at']", code: "response.code" };
    const state = { module: await compilePuppet(), config: Buffer.from("R: set at \xed\xa0\x80", "latin1") };
    const telemetry = { module, upstream: true, config: { accessLog: { fields }, metrics: [{ drop: true }] } };
    const host = await Host.load([state, telemetry], { node, listener: { direction: "outbound" } });
    const line = lineOf(host, { request: { path: "/a" } });
    expect(host).toHaveLogged("info", /R set at \ufffd+ -> 0/);
    expect(fieldsOf(line)).toEqual({ path: "/a", at: null, code: 200 });
  });

  test("has names that are escaped, too", async () => {
    const names = ['"', "\\", "a\nb", "\u{1f600}", ""];
    const host = await logging({ fields: Object.fromEntries(names.map((name) => [name, "response.code"])) });
    expect(fieldsOf(lineOf(host, {}))).toEqual(Object.fromEntries(names.map((name) => [name, 200])));
  });

  test("gives back any bytes, with U+FFFD for what is no UTF-8", async () => {
    const fields = {
      ...{ path: "request.path", user: "request.headers['x-user']", code: "response.code" },
      ...{ both: "request.headers['x-user'] + '|' + request.path", none: "request.headers['x-none']" },
    };
    const host = await logging({ fields });
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: "binary" }).map(Buffer.from));
    fc.assert(
      fc.property(bytes, bytes, fc.integer({ min: 200, max: 599 }), (first, second, status) => {
        const line = lineOf(host, {
          request: { headers: { "x-user": second } },
          answer: { status },
          options: { properties: { "request.path": first } },
        });
        const [json, ...rest] = (line ?? "").split("\n");
        expect(rest).toEqual([""]);
        const [path, user] = [first, second].map((value) => Buffer.from(value).toString());
        const expected = { path, user, code: status, both: `${user}|${path}`, none: null };
        expect(Object.entries(fieldsOf(json))).toEqual(Object.entries(expected));
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test("has any names, and any literal, in their order", async () => {
    const text = fc.string({ unit: "binary", maxLength: 12 }).filter((name) => !/^\d+$/.test(name)); // numbers stand first in an object
    const property = fc.asyncProperty(fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 6 }), async (pairs) => {
      const values = Object.fromEntries(pairs);
      const fields = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, literal(value)]));
      const host = await logging({ fields });
      expect(Object.entries(fieldsOf(lineOf(host, {})))).toEqual(Object.entries(values));
    });
    await fc.assert(property, { seed: 8, numRuns: 60 });
  });

  test("of headers as long as Envoy takes them is whole", async () => {
    const host = await logging({ fields: { path: "request.path", user: "request.headers['x-user']" } });
    const path = `/${'"'.repeat(60_000)}`;
    expect(fieldsOf(lineOf(host, { request: { path } }))).toEqual({ path, user: null });
  });
});

describe("only some requests", () => {
  test.each`
    filter                                | path    | isLogged
    ${"response.code >= 500"}             | ${"/a"} | ${true}
    ${"request.path == '/a'"}             | ${"/a"} | ${true}
    ${"request.path == '/a'"}             | ${"/b"} | ${false}
    ${"request.headers['x-none'] == 'a'"} | ${"/a"} | ${false}
    ${"request.path"}                     | ${"/a"} | ${false}
  `("by $filter: $path is logged: $isLogged", async ({ filter, path, isLogged }) => {
    const host = await logging({ filter, fields: { path: "request.path" } });
    expect(lineOf(host, { request: { path }, answer: { status: 503 } })).toBe(
      isLogged ? `{"path":"${path}"}\n` : undefined,
    );
  });
});

test("without an access log there is no line", async () => {
  expect(lineOf(await load(), {})).toBeUndefined();
});

test("a line of attributes costs two calls of the host", async () => {
  const host = await logging({
    fields: { path: "request.path", user: "request.headers['x-user']", code: "response.code" },
  });
  lineOf(host, {});
  const calls = host.hostcalls.trace(() => lineOf(host, {})).map(({ name }) => name);
  expect(calls.slice(-2)).toEqual(["proxy_call_foreign_function", "proxy_set_property"]);
});

test.each`
  accessLog                                  | problem
  ${{}}                                      | ${"accessLog.fields is missing: say what a line has"}
  ${{ fields: {} }}                          | ${"accessLog.fields is "}
  ${{ fields: { a: "request." } }}           | ${'accessLog.fields.a is "request.": it is no CEL expression'}
  ${{ fields: { a: "1" }, filter: "1 +" }}   | ${'accessLog.filter is "1 +": it is no CEL expression'}
  ${{ fields: { a: "1" }, filters: "true" }} | ${"accessLog.filters is unknown"}
`("$accessLog is refused: $problem", async ({ accessLog, problem }) => {
  const refused = await load({ config: { accessLog } }).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigRefused);
  expect(String(refused)).toContain(problem);
});
