// Envoy's functions beyond the ABI.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let host: Host;

beforeAll(async () => {
  host = await Host.load(await sourceModule("sdk/assembly/testing/foreign.ts"));
});

test("a route that is forgotten is what properties tell until the request goes on", () => {
  const route = (headers: { get(name: string): string | undefined }) => ({ name: `v${headers.get("x-version") ?? 1}` });
  expect(host.fetch({ path: "/route" }, undefined, { route }).body).toBe("v1\n0\nv1");
});

test("bytes are compressed and uncompressed; what is neither, or nobody's function, is null", () => {
  expect(host.fetch({ path: "/zlib" }).body).toBe(["true", "again ".repeat(100), "true", "true"].join("\n"));
});

test("expressions see the request, and have no value where it has none", () => {
  const { body } = host.fetch({ path: "/cel", headers: { "x-a": "ü" } });
  const values = ["true", "true", "/cel|ü", "42", "0.5", "GET=,http="];
  expect(body.split("\n")).toEqual([...values, "GET,,ü", "0", "null", "0", "true"]);
});

test("an object of Envoy's own is set, one that Envoy does not know is not", () => {
  expect(host.fetch({ path: "/state" }).body).toBe("0\n1");
});
