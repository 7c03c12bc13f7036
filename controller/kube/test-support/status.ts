import type { Condition } from "../../status/plugin-conditions.ts";
import type { PluginStatus } from "../../status/plugin-status.ts";
import { sha } from "../../status/test-support/mesh.ts";

type Word = "True" | "False";

/** A WasmPlugin `shop/p` that one proxy should run; `words` are Accepted, Programmed, Degraded. */
export function pluginStatus(words: readonly [Word, Word, Word], part: Partial<PluginStatus> = {}): PluginStatus {
  const condition = (type: Condition["type"], status: Word, reason: Condition["reason"]): Condition => ({
    type,
    status,
    reason,
    message: `${reason}!`,
  });
  const [accepted, programmed, degraded] = words;
  return {
    ref: { kind: "WasmPlugin", namespace: "shop", name: "p" },
    conditions: [
      condition("Accepted", accepted, accepted === "True" ? "Accepted" : "Invalid"),
      condition("Programmed", programmed, programmed === "True" ? "Programmed" : "Pending"),
      condition("Degraded", degraded, degraded === "True" ? "Refused" : "AsConfigured"),
    ],
    matched: 1,
    acknowledged: programmed === "True" ? 1 : 0,
    refused: degraded === "True" ? 1 : 0,
    live: [{ digest: sha("1f3a"), proxies: ["web-1.shop"] }],
    ...(degraded === "True" && { refusal: { proxy: "web-1.shop", slot: "s", reason: "no" } }),
    ...part,
  };
}
