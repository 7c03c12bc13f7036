import { expect, test } from "vitest";
import { isCatchAll, routeMatch } from "./route-match.ts";
import { match } from "./test-support/model.ts";

const everyPath = { case: "prefix", value: "/" };
const regex = (text: string) => ({ case: "safeRegex", value: { regex: text } });

test.each`
  says                                 | given                                                  | path                                 | rest
  ${"nothing"}                         | ${{}}                                                  | ${everyPath}                         | ${{}}
  ${"an exact path"}                   | ${{ uri: { exact: "/items" } }}                        | ${{ case: "path", value: "/items" }} | ${{}}
  ${"a prefix, also inside a word"}    | ${{ uri: { prefix: "/api" } }}                         | ${{ case: "prefix", value: "/api" }} | ${{}}
  ${"a path expression"}               | ${{ uri: { regex: "/items/[0-9]+" } }}                 | ${regex("/items/[0-9]+")}            | ${{}}
  ${"any case of letters"}             | ${{ uri: { prefix: "/API" }, ignoreUriCase: true }}    | ${{ case: "prefix", value: "/API" }} | ${{ caseSensitive: false }}
  ${"a header's value"}                | ${{ headers: { "x-dark-launch": { exact: "v2" } } }}   | ${everyPath}                         | ${{ headers: [{ name: "x-dark-launch", headerMatchSpecifier: { case: "stringMatch", value: { matchPattern: { case: "exact", value: "v2" } } } }] }}
  ${"that a header is there"}          | ${{ headers: { "x-debug": "present" } }}               | ${everyPath}                         | ${{ headers: [{ name: "x-debug", headerMatchSpecifier: { case: "presentMatch", value: true } }] }}
  ${"any value, in Istio's way"}       | ${{ headers: { "x-debug": { regex: "*" } } }}          | ${everyPath}                         | ${{ headers: [{ name: "x-debug", headerMatchSpecifier: { case: "presentMatch", value: true } }] }}
  ${"that a header is not there"}      | ${{ withoutHeaders: { "x-debug": "present" } }}        | ${everyPath}                         | ${{ headers: [{ name: "x-debug", invertMatch: true }] }}
  ${"that a header has not a value"}   | ${{ withoutHeaders: { "x-user": { prefix: "bot" } } }} | ${everyPath}                         | ${{ headers: [{ name: "x-user", invertMatch: true, treatMissingHeaderAsEmpty: true }] }}
  ${"a method"}                        | ${{ method: { exact: "POST" } }}                       | ${everyPath}                         | ${{ headers: [{ name: ":method" }] }}
  ${"a scheme"}                        | ${{ scheme: { exact: "https" } }}                      | ${everyPath}                         | ${{ headers: [{ name: ":scheme" }] }}
  ${"an authority"}                    | ${{ authority: { prefix: "shop." } }}                  | ${everyPath}                         | ${{ headers: [{ name: ":authority" }] }}
  ${"a query parameter"}               | ${{ queryParams: { page: { exact: "2" } } }}           | ${everyPath}                         | ${{ queryParameters: [{ name: "page", queryParameterMatchSpecifier: { case: "stringMatch" } }] }}
  ${"that a query parameter is there"} | ${{ queryParams: { page: "present" } }}                | ${everyPath}                         | ${{ queryParameters: [{ name: "page", queryParameterMatchSpecifier: { case: "presentMatch" } }] }}
`("a match that says $says", ({ given, path, rest }) => {
  expect(routeMatch(match(given))).toMatchObject({ pathSpecifier: path, caseSensitive: true, ...rest });
});

test.each`
  given                                | all
  ${{}}                                | ${true}
  ${{ uri: { prefix: "/" } }}          | ${true}
  ${{ uri: { regex: ".*" } }}          | ${true}
  ${{ uri: { exact: "/" } }}           | ${false}
  ${{ headers: { "x-a": "present" } }} | ${false}
  ${{ queryParams: { a: "present" } }} | ${false}
  ${{ method: { exact: "GET" } }}      | ${false}
`("$given takes every request: $all", ({ given, all }) => {
  expect(isCatchAll(routeMatch(match(given)))).toBe(all);
});
