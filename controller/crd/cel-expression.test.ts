import { expect, test } from "vitest";
import { celComplaint } from "./cel-expression.ts";

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
  ${"request."}               | ${'not an expression in CEL: "." at column 8 can\'t stand there'}
  ${"request.host ==\n'a"}    | ${'not an expression in CEL: "=" at column 14 can\'t stand there'}
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
