import { expect, test } from "vitest";
import { expandable, variable } from "./expansion.ts";
import { expanded } from "./test-support/expanded.ts";

const env = { POD_NAME: "web-1", INSTANCE_IP: "10.0.0.7" };

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
  expect(expanded(expandable(text), env)).toBe(text);
});

test("variables get their values", () => {
  const text = `sidecar~${variable("INSTANCE_IP")}~${variable("POD_NAME")}$`;
  expect(expandable(text)).toBe("sidecar~$(INSTANCE_IP)~$(POD_NAME)$$");
  expect(expanded(expandable(text), env)).toBe("sidecar~10.0.0.7~web-1$");
});
