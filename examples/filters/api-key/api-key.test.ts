import { beforeAll, expect, test } from "vitest";
import { Host, type HttpCall, type HttpCallAnswer } from "../../../sdk/host/index.ts";
import { compilePuppet } from "../../../sdk/host/testdata/compile.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("api-key");
});

/** With a service that knows one key. */
async function load(options: { readonly answer?: HttpCallAnswer; readonly workers?: number } = {}) {
  const host = await Host.load(module, { config: { cluster: "keys" }, workers: options.workers ?? 1 });
  const asked: HttpCall[] = [];
  host.onHttpCall("keys", (call) => {
    asked.push(call);
    if (options.answer !== undefined) return options.answer;
    return call.headers.get("x-api-key") === "s3cret" ? { status: 200, body: "alice\n" } : { status: 404 };
  });
  return { host, asked, checks: (result: string) => host.metrics.counter(`result=.=${result};.;api_key_checks_total`) };
}

const withKey = (key: string) => ({ headers: { "x-api-key": key, "x-consumer": "mallory" } });

test("a good key passes as its consumer, and is not shown to the application", async () => {
  const { host, asked } = await load();
  const reply = host.fetch(withKey("s3cret"), (attempt) => {
    expect(attempt.headers.get("x-consumer")).toBe("alice");
    expect(attempt.headers.get("x-api-key")).toBeUndefined();
    return { status: 200 };
  });
  expect(reply.status).toBe(200);
  const sent = [":method", ":path", ":authority", "x-api-key"].map((name) => asked[0]?.headers.get(name));
  expect(sent).toEqual(["GET", "/verify", "keys", "s3cret"]);
  expect(asked[0]?.headers.get("x-consumer")).toBeUndefined();
});

test("a key that was good is not asked for again until its time is over, by no worker", async () => {
  const { host, asked, checks } = await load({ workers: 2 });
  for (const worker of [0, 1, 1]) expect(host.fetch(withKey("s3cret"), undefined, { worker }).status).toBe(200);
  expect(asked).toHaveLength(1);
  expect([checks("good"), checks("cached")]).toEqual([1, 2]);
  host.advance("30s");
  host.fetch(withKey("s3cret"));
  expect(asked).toHaveLength(2);
});

test("without a key, or with one that the service does not know, nothing passes", async () => {
  const { host, asked } = await load();
  const missing = host.fetch({ headers: { "x-consumer": "alice" } });
  expect(missing).toHaveLocalReply({ status: 401, body: "an API key is missing: send it as x-api-key" });
  for (const _ of [1, 2]) expect(host.fetch(withKey("guess"))).toHaveLocalReply({ status: 403 });
  expect(asked).toHaveLength(2);
});

test("a key with the same place in the cache as a good one is asked for", async () => {
  const { host } = await load();
  host.fetch(withKey("s3cret"));
  for (let i = 0; i < 5000; i++) expect(host.fetch(withKey(`guess ${i}`)).status).toBe(403);
});

test("what another version has left in the cache is no key", async () => {
  const { host, asked } = await load();
  host.fetch(withKey("s3cret"));
  const place = host.shared.keys().find((name) => name.startsWith("api-key/"));
  await Host.load(await compilePuppet(), { config: `C: write ${place} x 0`, beside: host });
  expect(host.fetch(withKey("s3cret")).status).toBe(200);
  expect(asked).toHaveLength(2);
});

test.each<HttpCallAnswer>([{ status: 500 }, { fail: "timeout" }, { fail: "refused" }, { fail: "reset" }])(
  "where the service answers %j, the request is refused, and no application sees it",
  async (answer) => {
    const { host, checks } = await load({ answer });
    const reply = host.fetch(withKey("s3cret"), () => {
      throw new Error("it has passed");
    });
    expect([reply.status, reply.details, checks("failed")]).toEqual([503, "api_key_failed", 1]);
  },
);

test("a cluster that Envoy does not know is a service that is down", async () => {
  const host = await Host.load(module, { config: { cluster: "unknown" } });
  expect(host.fetch(withKey("s3cret")).status).toBe(503);
});
