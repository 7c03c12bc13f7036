import { describe, expect, test } from "vitest";
import { emptyStatus, meshStatus, type StatusInput } from "./mesh-status.ts";
import type { PluginStatus } from "./plugin-status.ts";
import { acked, input, nacked, plugin, problem, proxyState, resource, sent, sha, slotOf } from "./test-support/mesh.ts";

/** The status of the first plugin after these moments. */
function statusAfter(...moments: readonly Partial<StatusInput>[]): PluginStatus {
  const status = moments.reduce((before, moment) => meshStatus(before, input(moment)), emptyStatus).plugins[0];
  if (status === undefined) throw new Error("no plugin has a status");
  return status;
}

/** `Accepted=True/Accepted …` */
function conditions({ conditions: all }: PluginStatus): readonly string[] {
  return all.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
}

function message({ conditions: all }: PluginStatus, type: string): string | undefined {
  return all.find((one) => one.type === type)?.message;
}

const old = plugin("budget", "77aa");
const budget = plugin("budget", "1f3a");
const onBoth = (slot: ReturnType<typeof slotOf>, ...answers: readonly Parameters<typeof proxyState>[1][0][1][]) =>
  answers.map((answer, i) => proxyState(`web-${i + 1}`, [answer === undefined ? [slot] : [slot, answer]]));

describe("a plugin that is delivered", () => {
  const before = { plugins: [old], proxies: onBoth(slotOf("a", old), acked("a"), acked("a")) };

  test("is programmed when every proxy has acknowledged it", () => {
    const status = statusAfter({ plugins: [budget], proxies: onBoth(slotOf("b", budget), acked("b"), acked("b")) });
    expect(conditions(status)).toEqual([
      "Accepted=True/Accepted",
      "Programmed=True/Programmed",
      "Degraded=False/AsConfigured",
    ]);
    expect(status).toMatchObject({ matched: 2, acknowledged: 2, refused: 0, digest: sha("1f3a") });
    expect(status.live).toEqual([{ digest: sha("1f3a"), proxies: ["web-1.shop", "web-2.shop"] }]);
    expect(message(status, "Programmed")).toBe("live on 2 of 2 proxies at digest 1f3a0000");
  });

  test("is pending while a proxy has not answered, and says which module runs where", () => {
    const status = statusAfter(before, {
      plugins: [budget],
      proxies: onBoth(slotOf("b", budget), acked("b"), sent("b")),
    });
    expect(conditions(status)[1]).toBe("Programmed=False/Pending");
    expect(message(status, "Programmed")).toBe("acknowledged by 1 of 2 proxies; waiting for web-2.shop");
    expect(status.live).toEqual([
      { digest: sha("1f3a"), proxies: ["web-1.shop"] },
      { digest: sha("77aa"), proxies: ["web-2.shop"] },
    ]);
  });

  test("is degraded when a proxy refuses it, and the last good module serves there", () => {
    const refused = nacked("b", "Unable to create Wasm plugin\n shop/budget", "a");
    const status = statusAfter(before, {
      plugins: [budget],
      proxies: onBoth(slotOf("b", budget), acked("b"), refused),
    });
    expect(conditions(status)).toEqual(["Accepted=True/Accepted", "Programmed=False/Refused", "Degraded=True/Refused"]);
    expect(status).toMatchObject({ matched: 2, acknowledged: 1, refused: 1 });
    expect(status.refusal).toEqual({
      proxy: "web-2.shop",
      slot: "outbound/unspecified",
      reason: "Unable to create Wasm plugin; shop/budget",
    });
    expect(message(status, "Degraded")).toBe(
      "refused by 1 of 2 proxies; web-2.shop: outbound/unspecified: Unable to create Wasm plugin; shop/budget\n" +
        "the last good version, digest 77aa0000, still serves there",
    );
  });

  test("is degraded when its first version is refused: nothing of it runs", () => {
    const status = statusAfter({ plugins: [budget], proxies: onBoth(slotOf("b", budget), nacked("b", "no")) });
    expect(message(status, "Degraded")).toContain("nothing of it runs there");
    expect(status.live).toEqual([]);
  });

  test("is not disturbed by a neighbour in its slot that is rolled out or refused", () => {
    const deadline = plugin("deadline", "dd");
    const both = slotOf("c", budget, deadline);
    const live = { plugins: [budget], proxies: onBoth(slotOf("b", budget), acked("b")) };
    const rolling = statusAfter(live, { plugins: [budget, deadline], proxies: onBoth(both, sent("c")) });
    expect(conditions(rolling)[1]).toBe("Programmed=True/Programmed");
    const refused = statusAfter(live, { plugins: [budget, deadline], proxies: onBoth(both, nacked("c", "no", "b")) });
    expect(conditions(refused)).toEqual([
      "Accepted=True/Accepted",
      "Programmed=True/Programmed",
      "Degraded=False/AsConfigured",
    ]);
  });

  test("is pending when only its configuration changes", () => {
    const changed = plugin("budget", "77aa", { pluginConfig: { percent: 20 } });
    const status = statusAfter(before, {
      plugins: [changed],
      proxies: onBoth(slotOf("b", changed), sent("b"), acked("b")),
    });
    expect(status).toMatchObject({ acknowledged: 1 });
    expect(status.live).toEqual([{ digest: sha("77aa"), proxies: ["web-1.shop", "web-2.shop"] }]);
  });

  test("counts a proxy once though two of its slots hold it, and only when both are acknowledged", () => {
    const inbound = resource("ECDS", "inbound/unspecified", "i", slotOf("b", budget).owners);
    const rows = (answer: ReturnType<typeof acked>) => [
      proxyState("web-1", [
        [slotOf("b", budget), acked("b")],
        [inbound, answer],
      ]),
    ];
    expect(statusAfter({ plugins: [budget], proxies: rows(sent("i")) })).toMatchObject({ matched: 1, acknowledged: 0 });
    expect(statusAfter({ plugins: [budget], proxies: rows(acked("i")) })).toMatchObject({
      matched: 1,
      acknowledged: 1,
    });
  });

  test("says which slots a proxy has no listener for", () => {
    const status = statusAfter({ plugins: [budget], proxies: onBoth(slotOf("b", budget), undefined) });
    expect(message(status, "Programmed")).toBe(
      "acknowledged by 0 of 1 proxy; waiting for web-1.shop (has not asked for outbound/unspecified)",
    );
  });

  test("says so when no proxy should run it", () => {
    const status = statusAfter({
      plugins: [plugin("budget", "1f", { selector: { app: "wbapp" } })],
      proxies: [proxyState("web-1", [])],
    });
    expect(conditions(status)[1]).toBe("Programmed=False/NoMatchingProxy");
    expect(message(status, "Programmed")).toBe(
      "no connected proxy with labels app=wbapp should run it; check namespace, selector and match",
    );
  });
});

describe("a plugin with problems", () => {
  const broken = [problem("budget", 7, 'is "x": unknown scheme'), problem("budget", 8, "is missing")];

  test("is not accepted, with all messages, and the last good version is in force", () => {
    const status = statusAfter({ plugins: [old], problems: broken, proxies: onBoth(slotOf("a", old), acked("a")) });
    expect(conditions(status)).toEqual([
      "Accepted=False/Invalid",
      "Programmed=True/Programmed",
      "Degraded=True/LastGoodInForce",
    ]);
    expect(message(status, "Accepted")).toBe(
      'mesh/budget.yaml:7:3 WasmPlugin shop/budget: spec.url is "x": unknown scheme\n' +
        "mesh/budget.yaml:8:3 WasmPlugin shop/budget: spec.url is missing",
    );
    expect(message(status, "Degraded")).toBe(
      "the last good version, digest 77aa0000, stays in force until the errors are corrected",
    );
  });

  test("has a status though no version of it was ever valid", () => {
    const status = statusAfter({ problems: [...broken, problem("x", 1, "")] });
    expect(conditions(status)).toEqual([
      "Accepted=False/Invalid",
      "Programmed=False/NotInForce",
      "Degraded=True/NotInForce",
    ]);
  });

  test.each`
    failStrategy     | effect
    ${"FAIL_CLOSE"}  | ${"are denied"}
    ${"FAIL_RELOAD"} | ${"are denied"}
    ${"FAIL_OPEN"}   | ${"pass without it"}
  `("that never had a good module: requests $effect under $failStrategy", ({ failStrategy, effect }) => {
    const none = plugin("budget", undefined, { failStrategy });
    const status = statusAfter({ plugins: [none], problems: broken, proxies: onBoth(slotOf("d", none), acked("d")) });
    expect(conditions(status)).toEqual([
      "Accepted=False/Invalid",
      "Programmed=False/NoModule",
      "Degraded=True/NoModule",
    ]);
    expect(message(status, "Degraded")).toBe(
      `no module of it was ever good: requests ${effect} (failStrategy ${failStrategy})`,
    );
  });

  test("is accepted with warnings, which are told", () => {
    const status = statusAfter({
      plugins: [plugin("budget", "1f")],
      problems: [problem("budget", 9, "is ignored", "warning")],
    });
    expect(conditions(status)[0]).toBe("Accepted=True/Accepted");
    expect(message(status, "Accepted")).toBe("mesh/budget.yaml:9:3 WasmPlugin shop/budget: spec.url is ignored");
  });
});

test("what is remembered does not grow with versions", () => {
  let status = emptyStatus;
  for (let i = 0; i < 50; i += 1)
    status = meshStatus(status, input({ plugins: [budget], proxies: onBoth(slotOf(`v${i}`, budget), acked(`v${i}`)) }));
  expect(status.memory.contents.size).toBe(1);
  expect(meshStatus(status, input({})).memory).toEqual({ contents: new Map(), live: new Map() });
});
