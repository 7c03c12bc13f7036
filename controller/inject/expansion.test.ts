import { expect, test } from "vitest";
import { expand } from "../../test/support/kube/expand.ts";
import { expandable, variable } from "./expansion.ts";

const env = new Map([
  ["POD_NAME", "web-1"],
  ["INSTANCE_IP", "10.0.0.7"],
]);

test.each([
  "no dollar",
  "a $ and $$ and $$$",
  "$(POD_NAME)",
  "$$(POD_NAME)",
  "^x\\w+?$",
  "_rq(_(\\d{3}))$|$",
  "$()",
  "$&$1",
])("%s comes through", (text) => {
  expect(expand(expandable(text), env)).toBe(text);
});

test("variables get their values", () => {
  const text = `sidecar~${variable("INSTANCE_IP")}~${variable("POD_NAME")}$`;
  expect(expandable(text)).toBe("sidecar~$(INSTANCE_IP)~$(POD_NAME)$$");
  expect(expand(expandable(text), env)).toBe("sidecar~10.0.0.7~web-1$");
});
