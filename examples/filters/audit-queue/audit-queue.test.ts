import { beforeAll, expect, test } from "vitest";
import { ConfigRefused, Host } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("audit-queue");
});

/** Both plugins in one Envoy, and what has reached the service. */
async function load(answer: { readonly status: number } = { status: 204 }) {
  const collector = await Host.load(module, { vmId: "collector", config: { cluster: "audit" }, workers: 2 });
  const sender = await Host.load(module, {
    ...{ vmId: "sender", config: { sendTo: "collector" }, workers: 2, beside: collector },
  });
  const received: string[] = [];
  collector.onHttpCall("audit", (call) => {
    expect(call.headers.get(":path")).toBe("/audit");
    received.push(call.body);
    return answer;
  });
  return { host: sender, received };
}

test("each request leaves a line, whichever worker had it", async () => {
  const { host, received } = await load();
  host.fetch({ path: "/a", headers: { "x-consumer": "alice" } }, undefined, { worker: 0 });
  host.fetch({ path: "/b", method: "POST" }, () => ({ status: 503 }), { worker: 1 });
  host.advance("1ms");
  expect(received.join("")).toBe("200 GET /a alice\n503 POST /b -\n");
});

test("a request without a path, such as CONNECT, and one that Envoy could not read leave a line", async () => {
  const { host, received } = await load();
  host.fetch({ method: "CONNECT", headers: { ":path": [] } });
  host.fetch({ headers: { ":method": [], ":path": [] } });
  host.advance("1ms");
  expect(received.join("")).toBe("200 CONNECT - -\n200 - - -\n");
});

test("a service that refuses, and a collector that is not there, are told of in the log", async () => {
  const { host } = await load({ status: 500 });
  host.fetch();
  host.advance("1ms");
  expect(host.logs.map(({ text }) => text)).toContain("1 lines are lost: status 500");
  const alone = await Host.load(module, { config: { sendTo: "nobody" } });
  expect(alone.fetch().status).toBe(200);
  expect(alone.logs.map(({ text }) => text)).toEqual(["nobody collects: 200 GET / -"]);
});

test.each([{}, { sendTo: "a", cluster: "b" }])("a plugin that is to do %j is refused", async (config) => {
  await expect(Host.load(module, { config })).rejects.toThrow(ConfigRefused);
});
