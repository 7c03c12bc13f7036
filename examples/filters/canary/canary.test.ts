import { beforeAll, expect, test } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("canary");
});

/** The route's name and the header as the application sees it. */
async function send(config: Readonly<Record<string, unknown>>, headers: Readonly<Record<string, string>>) {
  const host = await Host.load(module, { config });
  const asked: (string | undefined)[] = [];
  let version: string | undefined;
  host.fetch(
    { headers },
    (attempt) => {
      version = attempt.headers.get("x-version");
      return { status: 200 };
    },
    {
      route: (request) => {
        asked.push(request.get("x-version"));
        return {};
      },
    },
  );
  return { version, routedBy: asked.at(-1) };
}

test.each([
  { percent: 100, headers: { "x-user": "alice" }, version: "canary" },
  { percent: 0, headers: { "x-user": "alice" }, version: undefined },
  { percent: 100, headers: {}, version: undefined },
  { percent: 0, headers: { "x-user": "alice", "x-version": "canary" }, version: undefined },
])("at $percent % a request with $headers goes to $version, and its route is chosen by that", async (row) => {
  expect(await send({ percent: row.percent }, row.headers)).toEqual({ version: row.version, routedBy: row.version });
});

test("a share of the users, and each user always", async () => {
  const users = Array.from({ length: 1000 }, (_, i) => `user-${i}`);
  const host = await Host.load(module, { config: { percent: 20 } });
  const chosen = () => {
    const found: string[] = [];
    for (const user of users) {
      host.fetch({ headers: { "x-user": user } }, (attempt) => {
        if (attempt.headers.get("x-version") === "canary") found.push(user);
        return { status: 200 };
      });
    }
    return found;
  };
  const first = chosen();
  expect(first.length).toBeGreaterThan(150);
  expect(first.length).toBeLessThan(250);
  expect(chosen()).toEqual(first);
});
