// Each matcher with what it takes and what it does not, and what it then says.
import { beforeAll, expect, test } from "vitest";
import { filterModule, sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";
import "./index.ts";

let [tour, budget]: Uint8Array[] = [];

beforeAll(async () => {
  tour = await sourceModule("sdk/assembly/testing/tour.ts");
  budget = await filterModule("retry-budget");
}, 60_000);

/** What an assertion that must fail says. */
function complaint(assertion: () => void): string {
  try {
    assertion();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("the assertion passed");
}

const load = async (module = tour) => await Host.load(module ?? new Uint8Array());

test("toHaveHeader: any value of a name, and all headers where it fails", async () => {
  const answer = { status: 200, headers: { "x-many": ["a", "b"], date: "today" } };
  const reply = (await load(budget)).fetch({}, () => answer);
  expect(reply).toHaveHeader("X-Many");
  expect(reply.headers).toHaveHeader("x-many", "b");
  expect(reply).toHaveHeader("x-many", /^A$/i);
  expect(reply).not.toHaveHeader("x-many", "a,b");
  expect(complaint(() => expect(reply).toHaveHeader("x-many", "c"))).toMatchInlineSnapshot(`
    "expected a header x-many: "c"

    headers:
      :status: 200
      x-many: a
      x-many: b
      date: today
      x-envoy-upstream-service-time: 0
      server: envoy"
  `);
  expect(complaint(() => expect(reply).not.toHaveHeader("x-many", /b/))).toMatch(
    /^expected not a header x-many: \/b\//,
  );
});

test("toHaveLocalReply: what no upstream gave, and what came where it fails", async () => {
  const host = await load(budget);
  const route = { retryOn: "5xx", attempts: 3 };
  const reply = host.fetch({}, () => ({ status: 503, body: "busy", headers: { server: "s" } }), { route });
  expect(reply).not.toHaveLocalReply();
  expect(complaint(() => expect(reply).toHaveLocalReply({ status: 503, body: /full/ }))).toMatchInlineSnapshot(`
    "expected a local reply with status 503, body /full/

    the upstream's reply has status 503, details "via_upstream", body "busy"
    headers:
      :status: 503
      server: envoy
      x-envoy-upstream-service-time: 0
      date: Thu, 01 Jan 2026 00:00:00 GMT"
  `);
  const none = host.fetch({}, undefined, { route: null });
  expect(none).toHaveLocalReply({ status: 404, details: "route_not_found", body: "" });
  expect(none).not.toHaveLocalReply({ status: 404, details: "route" });
  const stream = host.stream({ headers: { "content-type": "application/grpc" } }, { cluster: { endpoints: [] } });
  expect(stream).toHaveLocalReply({ status: 200, grpcStatus: 14, details: /^no_healthy/ });
  expect(complaint(() => expect(host.stream()).toHaveLocalReply())).toContain("there is no reply yet");
  const withoutDetails = await load(await sourceModule("sdk/assembly/testing/foreign.ts"));
  expect(withoutDetails.fetch({ path: "/" })).toHaveLocalReply({ status: 200, details: "" });
});

test("toHaveMetric: by name and labels in any order, and the namesakes where it fails", async () => {
  const host = await load();
  host.fetch({ path: "/metrics" });
  expect(host).not.toHaveMetric("calls");
  expect(host).toHaveMetric("calls", { to: "c", code: "503" }, 1);
  expect(host).toHaveMetric("calls", { code: "503", to: "c" });
  expect(host).not.toHaveMetric("calls", {});
  expect(complaint(() => expect(host).toHaveMetric("calls", { to: "c" }, 2))).toMatchInlineSnapshot(`
    "expected a metric calls{to="c"} of 2

    metrics named calls:
      calls{code="200",to="a_b"} 2
      calls{code="503",to="c"} 1"
  `);
  expect(complaint(() => expect(host).toHaveMetric("calls_total", {}))).toMatchInlineSnapshot(`
    "expected a metric calls_total

    none is named calls_total; metrics:
      level 7
      requests 5
      sizes [512]
      calls{code="200",to="a_b"} 2
      calls{code="503",to="c"} 1"
  `);
});

test("toHaveLogged: one level and a part of the text, and the log where it fails", async () => {
  const host = await load();
  host.fetch({ path: "/log" });
  expect(host).toHaveLogged("warn", "é");
  expect(host).toHaveLogged("info", /^the VM/);
  expect(host).not.toHaveLogged("error", "é");
  expect(complaint(() => expect(host).toHaveLogged("info", "nothing of the kind"))).toMatchInlineSnapshot(`
    "expected a line of level info with "nothing of the kind"

    log:
      [canary] info: the VM started
      [main] info: the VM started
      [0] info: the VM started
      [0] info: info
      [0] warn: warn: é
      [0] error: error
      [0] critical: critical
      [0] info: 0"
  `);
});

test("toStayWithin: a budget, each part that is over it, and all that was spent", async () => {
  const host = await load(budget);
  host.fetch();
  const usage = host.measure(() => host.fetch());
  expect(usage).toStayWithin({ hostcalls: 10, allocations: 8, allocatedBytes: 1024, memoryBytes: 65_536 });
  expect(usage).toStayWithin({ hostcalls: usage.hostcalls });
  expect(usage).not.toStayWithin({ hostcalls: { ...usage.hostcalls, proxy_get_property: 0 } });
  const { proxy_get_property: _, ...fewer } = usage.hostcalls;
  const small = { hostcalls: fewer, allocations: 1, memoryBytes: 100_000 };
  expect(complaint(() => expect({ ...usage, moduleBytes: 0 }).toStayWithin(small))).toMatchInlineSnapshot(`
    "expected to stay within the budget

    over budget:
      proxy_get_property: 1 of 0
    spent:
      allocations 0
      allocatedBytes 0
      memoryBytes 65536
      moduleBytes 0
      proxy_get_property 1"
  `);
});
