import { beforeAll, expect, test } from "vitest";
import { Host, type HttpCall, type HttpCallAnswer } from "../../../sdk/host/index.ts";
import "../../../sdk/vitest/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("access-logger");
});

/** With a service that answers as it is told. */
async function load(options: { readonly answer?: HttpCallAnswer; readonly linesMax?: number } = {}) {
  const { answer = { status: 204 }, linesMax = 10 } = options;
  const host = await Host.load(module, { accessLogger: true, config: { cluster: "logs", linesMax } });
  const calls: HttpCall[] = [];
  host.onHttpCall("logs", (call) => {
    calls.push(call);
    return answer;
  });
  return { host, calls };
}

test("requests of a second are brought in one call, a line of JSON each", async () => {
  const { host, calls } = await load();
  host.fetch({ path: '/a?q="1"' }, () => ({ status: 200, body: "hello", after: "20ms" }));
  host.fetch({ method: "POST", path: "/b" }, () => ({ status: 503 }));
  expect(calls).toEqual([]);
  host.advance("1s");
  const [call] = calls;
  expect([call?.headers.get(":method"), call?.headers.get(":path")]).toEqual(["POST", "/logs"]);
  expect(call?.body).toBe(
    '{"method":"GET","path":"/a?q=\\"1\\"","status":200,"ms":20,"sent":5}\n' +
      '{"method":"POST","path":"/b","status":503,"ms":0,"sent":0}\n',
  );
  host.advance("10s");
  expect(calls).toHaveLength(1);
  expect(host).not.toHaveMetric("access_logger_lost_lines_total", {});
});

test("a request that Envoy could not read leaves a line, too", async () => {
  const { host, calls } = await load();
  host.fetch({ headers: { ":method": [], ":path": [] } });
  host.advance("1s");
  expect(JSON.parse(calls[0]?.body ?? "")).toMatchObject({ method: "", path: "" });
});

test("lines that are too many are dropped, and counted", async () => {
  const { host, calls } = await load({ linesMax: 2 });
  for (let i = 0; i < 5; i++) host.fetch();
  host.advance("1s");
  expect(calls[0]?.body.trimEnd().split("\n")).toHaveLength(2);
  expect(host).toHaveMetric("access_logger_lost_lines_total", {}, 3);
});

test("a path that is long is cut: lines wait in the memory of the VM", async () => {
  const { host, calls } = await load();
  const path = `/${"a".repeat(60_000)}`;
  host.fetch({ path });
  host.advance("1s");
  expect(JSON.parse(calls[0]?.body ?? "")).toMatchObject({ path: path.slice(0, 500) });
});

test.each<HttpCallAnswer>([{ status: 500 }, { fail: "refused" }, { fail: "reset" }])(
  "lines are lost, and counted, where the service answers %j",
  async (answer) => {
    const { host } = await load({ answer });
    for (let i = 0; i < 2; i++) host.fetch();
    host.advance("2s");
    expect(host).toHaveMetric("access_logger_lost_lines_total", {}, 2);
  },
);

test("a cluster that Envoy does not know loses them, too", async () => {
  const host = await Host.load(module, { accessLogger: true, config: { cluster: "unknown" } });
  host.fetch();
  host.advance("1s");
  expect(host).toHaveMetric("access_logger_lost_lines_total", {}, 1);
});
