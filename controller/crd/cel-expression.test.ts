import { expect, test } from "vitest";
import { celComplaint, labelComplaint } from "./cel-expression.ts";

test.each([
  "request.host",
  "request.headers['x-tenant']",
  "response.code >= 400 && !(request.path in ['/healthz', '/ready'])",
  "'x-a' in request.headers ? request.headers['x-a'] : 'none'",
  "has(request.headers.tenant)",
  "string(destination.port) + '/' + request.method",
  "request.path.startsWith('/api') || request.host.matches('^a')",
  "request.time.getHours() > 6 || -1 < size(request.path)",
  "upstream.address == 'exists_one'",
  "request.headers.exists(name, name.startsWith('x-'))",
  "startsWith(request.path, '/api') && matches(request.host, '^a')",
  "request.time.getHours('UTC') > 6",
])("%s is an expression", (text) => expect(celComplaint(text)).toBeUndefined());

test.each`
  text                        | complaint
  ${""}                       | ${"an expression is missing"}
  ${"request."}               | ${"not an expression in CEL: end of input at column 9 can't stand there"}
  ${"request.host ==\n+ 'a'"} | ${'not an expression in CEL: "+" at line 2, column 1 can\'t stand there'}
  ${"'a"}                     | ${"not an expression in CEL: the text at column 1 has no end, or an unknown escape"}
  ${"a == '\\d'"}             | ${"not an expression in CEL: the text at column 6 has no end, or an unknown escape"}
  ${"'\\ud800'"}              | ${"not an expression in CEL: \\ud800 is no character"}
  ${"9223372036854775808"}    | ${"not an expression in CEL: 9223372036854775808 is beyond 64 bits"}
  ${"package == 'a'"}         | ${"not an expression in CEL: package is a reserved word"}
  ${"Foo{a: 1}"}              | ${"not an expression in CEL: a message can't stand there: Foo{}"}
  ${"[1].existsOne(x, true)"} | ${"not an expression in CEL: there is no function existsOne()"}
  ${"%REQ(:path)%"}           | ${'not an expression in CEL: "%" at column 1 can\'t stand there'}
  ${"split(request.path)"}    | ${"not an expression in CEL: there is no function split()"}
  ${"my_fn(request.path)"}    | ${"not an expression in CEL: there is no function my_fn()"}
  ${"size()"}                 | ${"not an expression in CEL: size() takes other arguments"}
  ${"request.path.size(1)"}   | ${"not an expression in CEL: size() takes other arguments"}
  ${"request.path.int()"}     | ${"not an expression in CEL: int() takes other arguments"}
  ${"getHours(request.time)"} | ${"not an expression in CEL: getHours() takes other arguments"}
  ${"matches(request.path)"}  | ${"not an expression in CEL: matches() takes other arguments"}
  ${"has(request.path[0])"}   | ${"not an expression in CEL: has() takes other arguments"}
`("$text: $complaint", ({ text, complaint }) => expect(celComplaint(text)).toBe(complaint));

test("what is nested too deeply or too long is refused at once, by name", () => {
  const deep =
    "not an expression in CEL: it is nested too deeply: Envoy takes 32 levels, and each operator of a chain is one";
  for (const text of [`${"(".repeat(50_000)}1`, `1${"+1".repeat(40_000)}`, `a${".b".repeat(40_000)}`])
    expect(celComplaint(text)).toBe(deep);
  const long = "not an expression in CEL: it has 100002 characters; Envoy takes 100000";
  expect(celComplaint(`'${"a".repeat(100_000)}'`)).toBe(long);
  expect(celComplaint(`'${"a".repeat(99_998)}'`)).toBeUndefined();
});

test("of what becomes a label, a chain may have 28 levels, and what is wrong with the expression itself is said first", () => {
  expect(labelComplaint(`1${"+1".repeat(27)} // a comment`)).toBeUndefined();
  expect(labelComplaint(`1${"+1".repeat(28)}`)).toBe(
    "too long, or nested too deeply, for a label: it may have some 50,000 characters and 28 levels",
  );
  expect(labelComplaint("request.")).toBe("not an expression in CEL: end of input at column 9 can't stand there");
  expect(labelComplaint("1) + string(2")).toContain("not an expression in CEL");
});
