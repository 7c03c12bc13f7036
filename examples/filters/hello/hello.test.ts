import { expect, test } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

test("the application and the caller each get the header", async () => {
  const host = await Host.load(await filterModule("hello"));
  let seen: string | undefined;
  const reply = host.fetch({}, (attempt) => {
    seen = attempt.headers.get("x-hello");
    return { status: 200 };
  });
  expect(seen).toBe("from sluice");
  expect(reply).toHaveHeader("x-hello", "from sluice");
});
