// Each function that the host calls says to the SDK where it is, and leaves no garbage behind: by hand, because a wrapper costs
// each callback a call.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const source = readFileSync(join(import.meta.dirname, "..", "assembly", "exports.ts"), "utf8");
const callbacks = [...source.matchAll(/^export function (proxy_on_\w+)\(id: u32.*\n([\s\S]*?)^}/gm)].map(
  ([, name = "", body = ""]) => ({ name, body }),
);

/** Callbacks that leave it to one that always comes behind them: on_delete of the same context, or what configures the plugin. */
const leftToOthers = [
  "proxy_on_context_create",
  "proxy_on_vm_start",
  "proxy_on_downstream_connection_close",
  "proxy_on_upstream_connection_close",
  "proxy_on_done",
];

test("every callback begins with enter", () => {
  expect(callbacks.length).toBeGreaterThan(20);
  expect(callbacks.filter(({ body }) => !body.startsWith("  enter(id);\n")).map(({ name }) => name)).toEqual([]);
});

test("every callback ends with collectIfDue, before its result if it has one", () => {
  const ending = /^ {2}collectIfDue\(\);.*\n(?: {2}return .*\n)?$/m;
  const without = callbacks.filter(({ body }) => !ending.test(body)).map(({ name }) => name);
  expect(without).toEqual(leftToOthers);
});
