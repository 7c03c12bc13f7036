import { beforeAll, expect, test } from "vitest";
import { compilePuppet } from "./testdata/compile.ts";
import { play } from "./testdata/play.ts";
import { rows } from "./testdata/rows.ts";

let puppet: Uint8Array;
beforeAll(async () => {
  puppet = await compilePuppet();
}, 60_000);

test.each(rows)("$title", async ({ script, says, request, response = { status: 200 } }) => {
  const { said } = await play(puppet, script, { ...(request && { request }), upstream: () => response });
  expect(said.map((line) => line.replace(/^.* -> /s, ""))).toEqual(says);
});
