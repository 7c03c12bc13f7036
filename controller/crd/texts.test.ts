import { describe, expect, test } from "vitest";
import { nearest } from "../model/nearest.ts";
import { durationComplaint, durationMs } from "./duration.ts";
import { hostComplaint, isIpAddress, namespacedHostComplaint } from "./fields.ts";
import { headerValueComplaint } from "./http-headers.ts";
import { protocolOfPort } from "./protocol.ts";
import { regexComplaint } from "./regex.ts";

describe("durations", () => {
  test.each`
    text           | ms
    ${"2s"}        | ${2000}
    ${"500ms"}     | ${500}
    ${"1h30m"}     | ${5_400_000}
    ${"1.5s"}      | ${1500}
    ${"1h1m1s1ms"} | ${3_661_001}
    ${"0"}         | ${0}
    ${"0s"}        | ${0}
    ${"1000us"}    | ${1}
    ${""}          | ${Number.NaN}
    ${"10"}        | ${Number.NaN}
    ${"2 s"}       | ${Number.NaN}
    ${"-1s"}       | ${Number.NaN}
    ${"1d"}        | ${Number.NaN}
    ${"s"}         | ${Number.NaN}
  `("$text is $ms ms", ({ text, ms }) => {
    expect(durationMs(text)).toBe(ms);
    expect(durationComplaint(text) === undefined).toBe(!Number.isNaN(ms));
  });

  test.each(["2562048h", "99999999999s"])("%s is longer than Envoy takes", (text) => {
    expect(durationComplaint("2562047h")).toBeUndefined();
    expect(durationComplaint(text)).toBe("must be 2562047h or less");
  });
});

describe("values of headers", () => {
  test.each(["", "a b\tc", "100%%", "%HOSTNAME%", "a %REQ(x-a?:path):8% b", "%START_TIME(%s.%3f)%"])(
    "%j can be set",
    (text) => expect(headerValueComplaint(text)).toBeUndefined(),
  );

  test.each`
    text             | complaint
    ${"a\nb"}        | ${/control characters/}
    ${"100%"}        | ${/write %% for a percent sign/}
    ${"%REQ(x"}      | ${/write %% for a percent sign/}
    ${"abc%123"}     | ${/write %% for a percent sign/}
    ${"%HOSTNAME%%"} | ${/write %% for a percent sign/}
  `("$text: $complaint", ({ text, complaint }) => expect(headerValueComplaint(text)).toMatch(complaint));
});

describe("regular expressions", () => {
  test.each([
    "GET|HEAD",
    "/items/[0-9]+",
    "(?i)abc",
    "(?P<id>\\d+)",
    "\\Qa.b(\\E",
    "(?s:a.b)",
    "[[:alpha:]]+",
    "a{1,3}?",
    "\\\\1",
    "[*+]+",
  ])("%s is RE2", (text) => expect(regexComplaint(text)).toBeUndefined());

  test.each`
    text                | complaint
    ${"(?=a)"}          | ${/lookahead/}
    ${"(?<!a)b"}        | ${/lookbehind/}
    ${"(a)\\1"}         | ${/backreferences/}
    ${"a++"}            | ${/possessive/}
    ${"(?>a)"}          | ${/atomic/}
    ${"("}              | ${/not a regular expression: unterminated group/}
    ${"*"}              | ${/not a regular expression: nothing to repeat/}
    ${""}               | ${/should not be empty/}
    ${"a".repeat(1025)} | ${/max length allowed is 1024 and this has 1025/}
  `("$text: $complaint", ({ text, complaint }) => expect(regexComplaint(text)).toMatch(complaint));
});

describe("hosts", () => {
  test.each(["*", "a", "a.b", "*.a.b", "*a.b", "A.b", "a.b."])("%s is a host", (text) => {
    expect(hostComplaint(text)).toBeUndefined();
  });

  test.each(["", "a.*", "a b", "*.*", "-a", "a..b", "http://a", "a:80", "*."])('"%s" is none', (text) => {
    expect(hostComplaint(text)).toBeDefined();
  });

  test.each(["a/b", "./b", "*/b", "~/*", "~a/b", "b"])("%s is a host with namespace", (text) => {
    expect(namespacedHostComplaint(text)).toBeUndefined();
  });

  test.each(["/b", "A/b", "a/", "a/b/c"])("%s is none", (text) => {
    expect(namespacedHostComplaint(text)).toBeDefined();
  });
});

test.each(["10.0.0.1", "::1", "2001:db8::1", "::ffff:10.0.0.1"])("%s is an IP address", (text) => {
  expect(isIpAddress(text)).toBe(true);
});

test.each(["10.0.0", "10.0.0.256", "a", "", ":", "1::2::3", "10.0.0.1:80"])('"%s" is none', (text) => {
  expect(isIpAddress(text)).toBe(false);
});

test.each`
  port                                          | protocol
  ${{ name: "http" }}                           | ${"HTTP"}
  ${{ name: "http-web" }}                       | ${"HTTP"}
  ${{ name: "httpweb" }}                        | ${undefined}
  ${{ name: "HTTP-web" }}                       | ${"HTTP"}
  ${{ name: "http2" }}                          | ${"HTTP2"}
  ${{ name: "grpc-web" }}                       | ${"HTTP"}
  ${{ name: "grpc-website" }}                   | ${"GRPC"}
  ${{ name: "mysql-a" }}                        | ${"TCP"}
  ${{ name: "constructor" }}                    | ${undefined}
  ${{ name: "tcp", appProtocol: "http" }}       | ${"HTTP"}
  ${{ name: "http", appProtocol: "x.com/own" }} | ${undefined}
  ${{ name: "http", protocol: "UDP" }}          | ${"UDP"}
  ${{}}                                         | ${undefined}
`("a port $port speaks $protocol", ({ port, protocol }) => expect(protocolOfPort(port)).toBe(protocol));

test.each`
  word        | known                     | likely
  ${"timeot"} | ${["timeout", "retries"]} | ${"timeout"}
  ${"ruote"}  | ${["match", "route"]}     | ${"route"}
  ${"Hosts"}  | ${["hosts", "http"]}      | ${"hosts"}
  ${"htp"}    | ${["hosts", "http"]}      | ${"http"}
  ${"zebra"}  | ${["hosts", "http"]}      | ${undefined}
  ${"x"}      | ${[]}                     | ${undefined}
`("$word is a slip of $likely", ({ word, known, likely }) => expect(nearest(word, known)).toBe(likely));
