import { describe, expect, test } from "vitest";
import { statusLines } from "./lines.ts";
import { emptyStatus, meshStatus, type StatusInput } from "./mesh-status.ts";
import type { Push } from "./push.ts";
import {
  acked,
  input,
  nacked,
  plugin,
  problem,
  proxyState,
  type Row,
  resource,
  sent,
  slotOf,
} from "./test-support/mesh.ts";

/** The lines that each of these moments adds to the stream. */
function stream(...moments: readonly Partial<StatusInput>[]): readonly (readonly string[])[] {
  let status = emptyStatus;
  return moments.map((moment) => {
    const next = meshStatus(status, input(moment));
    const lines = statusLines(status, next);
    status = next;
    return lines.map(({ level, text }) => (level === "info" ? text : `${level}: ${text}`));
  });
}

const old = plugin("budget", "77aa");
const budget = plugin("budget", "1f3a");
const a = slotOf("a", old);
const b = slotOf("b", budget);
const proxies = (...rows: readonly Row[]) => rows.map((row, i) => proxyState(`web-${i + 1}`, [row]));
const push = (generation: number, version: string, ...names: readonly string[]): Push => ({
  generation,
  startedAtMs: 100,
  sentAtMs: 108,
  sent: names.map((proxy) => ({ proxy, type: "ECDS", name: b.name, version })),
});

test("a module is swapped on two proxies", () => {
  const pushed = push(2, "b", "web-1.shop", "web-2.shop");
  expect(
    stream(
      { plugins: [old], proxies: proxies([a, acked("a")], [a, acked("a")]) },
      { plugins: [budget], proxies: proxies([b, sent("b")], [b, sent("b")]), push: pushed },
      { plugins: [budget], proxies: proxies([b, acked("b", 150)], [b, sent("b")]), push: pushed },
      { plugins: [budget], proxies: proxies([b, acked("b", 150)], [b, acked("b", 165)]), push: pushed },
      { plugins: [budget], proxies: proxies([b, acked("b", 150)], [b, acked("b", 165)]), push: pushed },
    ),
  ).toEqual([
    [
      "web-1.shop connected, Envoy 1.40.0",
      "web-2.shop connected, Envoy 1.40.0",
      "plugin shop/budget live on 2 of 2 proxies at digest 77aa0000",
    ],
    ["pushed 1 resource to 2 proxies in 8 ms"],
    [],
    ["acknowledged by all after 65 ms", "plugin shop/budget live on 2 of 2 proxies at digest 1f3a0000 (was 77aa0000)"],
    [],
  ]);
});

test("a refused module is told once a proxy, and its correction when it is accepted, not when it is sent", () => {
  const refusal = nacked("b", "Failed to load\n Wasm", "a");
  expect(
    stream(
      { plugins: [old], proxies: proxies([a, acked("a")], [a, acked("a")]) },
      { plugins: [budget], proxies: proxies([b, refusal], [b, refusal]) },
      { plugins: [budget], proxies: proxies([b, refusal], [b, refusal]) },
      { plugins: [old], proxies: proxies([slotOf("a", old), sent("a")], [slotOf("a", old), sent("a")]) },
      { plugins: [old], proxies: proxies([slotOf("a", old), acked("a")], [slotOf("a", old), acked("a")]) },
    ).slice(1),
  ).toEqual([
    [
      "error: refused by web-1.shop, web-2.shop: ECDS outbound/unspecified (WasmPlugin shop/budget): Failed to load; Wasm; the last good version still serves",
    ],
    [],
    ["plugin shop/budget live on 2 of 2 proxies at digest 77aa0000"],
    ["accepted by web-1.shop, web-2.shop: ECDS outbound/unspecified"],
  ]);
});

test("a refusal of what no version serves says so", () => {
  const route = resource("RDS", "80", "v1");
  expect(stream({ proxies: [proxyState("web-1", [[route, nacked("v1", "no")]])] })[0]?.[1]).toBe(
    "error: refused by web-1.shop: RDS 80: no; nothing serves in its place",
  );
});

describe("plugins", () => {
  const live = { plugins: [budget], proxies: proxies([b, acked("b")]) };

  test("a change of configuration is told when it is live", () => {
    const changed = plugin("budget", "1f3a", { pluginConfig: { percent: 20 } });
    const c = slotOf("c", changed);
    expect(
      stream(
        live,
        { plugins: [changed], proxies: proxies([c, sent("c")]) },
        { plugins: [changed], proxies: proxies([c, acked("c")]) },
      ).slice(1),
    ).toEqual([[], ["plugin shop/budget live on 1 of 1 proxy at digest 1f3a0000"]]);
  });

  test("a neighbour's rollout says nothing of it", () => {
    const deadline = plugin("deadline", "dd");
    const c = slotOf("c", budget, deadline);
    const plugins = [budget, deadline];
    expect(
      stream(live, { plugins, proxies: proxies([c, sent("c")]) }, { plugins, proxies: proxies([c, acked("c")]) }).slice(
        1,
      ),
    ).toEqual([[], ["plugin shop/deadline live on 1 of 1 proxy at digest dd000000"]]);
  });

  test("detached ones, and ones kept at their last good version, are told", () => {
    const broken = [problem("budget", 7, "is missing")];
    expect(
      stream(live, { ...live, problems: broken }, live, { proxies: proxies([slotOf("e"), acked("e")]) }).slice(1),
    ).toEqual([
      [
        "error: mesh/budget.yaml:7:3 WasmPlugin shop/budget: spec.url is missing",
        "warn: plugin shop/budget: the last good version, digest 1f3a0000, stays in force until the errors are corrected",
      ],
      ["resolved: mesh/budget.yaml:7:3 WasmPlugin shop/budget: spec.url is missing"],
      ["plugin shop/budget detached"],
    ]);
  });

  test("a proxy that leaves is told once, and its return with the plugin's", () => {
    const two = { plugins: [budget], proxies: proxies([b, acked("b")], [b, acked("b")]) };
    expect(stream(two, live, two).slice(1)).toEqual([
      ["web-2.shop disconnected"],
      ["web-2.shop connected, Envoy 1.40.0", "plugin shop/budget live on 2 of 2 proxies at digest 1f3a0000"],
    ]);
  });
});

test("a reconnect is one line", () => {
  expect(stream({ proxies: [proxyState("web-1", [], 1)] }, { proxies: [proxyState("web-1", [], 2)] })[1]).toEqual([
    "web-1.shop reconnected, Envoy 1.40.0",
  ]);
});

describe("problems", () => {
  test("a problem that moves to another line, or is there twice, is one problem", () => {
    const again = [problem("x", 7, "is odd", "warning"), problem("x", 7, "is odd", "warning")];
    expect(stream({ problems: again }, { problems: [problem("x", 9, "is odd", "warning")] }, {})).toEqual([
      ["warn: mesh/x.yaml:7:3 WasmPlugin shop/x: spec.url is odd"],
      [],
      ["resolved: mesh/x.yaml:9:3 WasmPlugin shop/x: spec.url is odd"],
    ]);
  });
});

describe("pushes", () => {
  test("one that changes nothing says nothing", () => {
    expect(stream({ push: push(1, "b") })).toEqual([[]]);
  });

  test("one that is overtaken is never called acknowledged", () => {
    const first = push(1, "a", "web-1.shop");
    const second = push(2, "b", "web-1.shop");
    expect(
      stream(
        { proxies: proxies([b, sent("b")]), push: first },
        { proxies: proxies([b, acked("b", 130)]), push: second },
      ).flat(),
    ).toEqual([
      "web-1.shop connected, Envoy 1.40.0",
      "pushed 1 resource to 1 proxy in 8 ms",
      "pushed 1 resource to 1 proxy in 8 ms",
      "acknowledged by all after 30 ms",
    ]);
  });

  test("what a proxy gets that connects later is not part of it, and what follows an acknowledgement is not told", () => {
    const both = push(1, "b", "web-1.shop", "web-2.shop");
    const first = proxyState("web-1", [[b, acked("b", 130)]]);
    const late = (row: Row) => proxyState("web-2", [row], 500);
    expect(
      stream(
        { proxies: [first], push: push(1, "b", "web-1.shop") },
        { proxies: [first, late([b, sent("b", 510)])], push: both },
        { proxies: [first, late([b, acked("b", 520)])], push: both },
        { proxies: [proxyState("web-1", [[b, sent("b", 600)]])], push: both },
        { proxies: [first], push: both },
      ),
    ).toEqual([
      ["web-1.shop connected, Envoy 1.40.0", "pushed 1 resource to 1 proxy in 8 ms", "acknowledged by all after 30 ms"],
      ["web-2.shop connected, Envoy 1.40.0"],
      [],
      ["web-2.shop disconnected"],
      [],
    ]);
  });

  test("proxies that connect after the first push are not told as a push", () => {
    const late = [proxyState("web-1", [[b, acked("b", 520)]], 500)];
    expect(
      stream({ push: { ...push(1, "b"), sent: [] } }, { proxies: late, push: push(1, "b", "web-1.shop") }),
    ).toEqual([[], ["web-1.shop connected, Envoy 1.40.0"]]);
  });

  test("one that detaches the last plugin is acknowledged", () => {
    const empty = slotOf("e");
    const rows = proxies([empty, acked("e", 120)]);
    expect(stream({ proxies: rows, push: push(1, "e", "web-1.shop") })[0]?.[2]).toBe("acknowledged by all after 20 ms");
  });

  test("a proxy that has gone is not waited for; a removal has no version to wait for", () => {
    const pushed = { ...push(1, "b", "web-1.shop", "gone.shop") };
    const removal = { proxy: "web-1.shop", type: "CDS" as const, name: "outbound|80||x" };
    expect(
      stream({ proxies: proxies([b, acked("b", 120)]), push: { ...pushed, sent: [...pushed.sent, removal] } }).flat(),
    ).toEqual([
      "web-1.shop connected, Envoy 1.40.0",
      "pushed 2 resources to 2 proxies in 8 ms",
      "acknowledged by all after 20 ms",
    ]);
  });
});
