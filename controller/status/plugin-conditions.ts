import type { Plugin } from "../model/mesh.ts";
import { type Problem, problemText } from "../model/problem.ts";
import { shortDigest } from "./digest.ts";
import type { PluginOnProxy } from "./plugin-on-proxy.ts";

/**
 * A condition in Kubernetes' form, without times: the writer knows when it changed.
 *
 * @see https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
 */
export interface Condition {
  /** Accepted: as written, it is valid. Programmed: all that should run it do. Degraded: something older or less is in force. */
  readonly type: "Accepted" | "Programmed" | "Degraded";
  readonly status: "True" | "False";
  /** One word for programs. */
  readonly reason:
    | "Accepted"
    | "Invalid"
    | "Programmed"
    | "NotInForce"
    | "NoModule"
    | "NoMatchingProxy"
    | "Refused"
    | "Pending"
    | "LastGoodInForce"
    | "AsConfigured";
  /** For people; several sentences stand on lines of their own. */
  readonly message: string;
}

/** @param on what each proxy that should run the plugin has made of it, by name */
export function conditionsOf(
  plugin: Plugin | undefined,
  problems: readonly Problem[],
  on: readonly PluginOnProxy[],
): readonly Condition[] {
  return [accepted(problems), programmed(plugin, on), degraded(plugin, problems, on)];
}

/** Whether an object is valid as it is written, with all that is to be said of it. @param problems its own */
export function accepted(problems: readonly Problem[]): Condition {
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0)
    return { type: "Accepted", status: "False", reason: "Invalid", message: errors.map(problemText).join("\n") };
  const message = problems.map(problemText).join("\n");
  return { type: "Accepted", status: "True", reason: "Accepted", message };
}

function programmed(plugin: Plugin | undefined, on: readonly PluginOnProxy[]): Condition {
  const not = (reason: Condition["reason"], message: string): Condition => ({
    type: "Programmed",
    status: "False",
    reason,
    message,
  });
  if (plugin === undefined) return not("NotInForce", "no version of it was ever valid: no proxy runs it");
  if (plugin.module === undefined) return not("NoModule", noModule(plugin));
  if (on.length === 0) return not("NoMatchingProxy", noMatch(plugin));
  const refused = on.filter(({ state }) => state === "refused");
  if (refused.length > 0) return not("Refused", refusedBy(refused, on.length));
  const pending = on.filter(({ state }) => state === "pending");
  if (pending.length > 0) return not("Pending", waitingFor(pending, on.length));
  const message = `live on ${count(on.length, on.length)} at digest ${shortDigest(plugin.module.digest)}`;
  return { type: "Programmed", status: "True", reason: "Programmed", message };
}

function degraded(plugin: Plugin | undefined, problems: readonly Problem[], on: readonly PluginOnProxy[]): Condition {
  const yes = (reason: Condition["reason"], message: string): Condition => ({
    type: "Degraded",
    status: "True",
    reason,
    message,
  });
  const refused = on.filter(({ state }) => state === "refused");
  if (plugin === undefined)
    return yes("NotInForce", "nothing of it runs: requests pass without it until the errors are corrected");
  if (plugin.module === undefined) return yes("NoModule", noModule(plugin));
  if (refused.length > 0) return yes("Refused", `${refusedBy(refused, on.length)}\n${stillServes(refused)}`);
  if (problems.some(({ severity }) => severity === "error"))
    return yes(
      "LastGoodInForce",
      `the last good version, digest ${shortDigest(plugin.module.digest)}, stays in force until the errors are corrected`,
    );
  return { type: "Degraded", status: "False", reason: "AsConfigured", message: "" };
}

/** What happens to requests while a plugin has no module. */
export function noModule(plugin: Plugin): string {
  const { failStrategy, type } = plugin.object.spec;
  const traffic = type === "NETWORK" ? "connections" : "requests";
  const effect = failStrategy === "FAIL_OPEN" ? "pass without it" : "are denied";
  return `no module of it was ever good: ${traffic} ${effect} (failStrategy ${failStrategy})`;
}

function noMatch(plugin: Plugin): string {
  const { selector } = plugin.object.spec;
  const labels = Object.entries(selector ?? {}).map(([key, value]) => `${key}=${value}`);
  const where = labels.length === 0 ? "" : ` with labels ${labels.join(", ")}`;
  return `no connected proxy${where} should run it; check namespace, selector and match`;
}

function refusedBy(refused: readonly PluginOnProxy[], matched: number): string {
  const first = refused[0]?.refusal;
  return `refused by ${count(refused.length, matched)}; ${first?.proxy}: ${first?.slot}: ${first?.reason}`;
}

function stillServes(refused: readonly PluginOnProxy[]): string {
  const digests = [...new Set(refused.flatMap(({ live }) => live))].map(shortDigest).sort();
  return digests.length === 0
    ? "nothing of it runs there"
    : `the last good version, digest ${digests.join(", ")}, still serves there`;
}

function waitingFor(pending: readonly PluginOnProxy[], matched: number): string {
  const names = pending.map(({ proxy, unasked, live }) =>
    unasked.length > 0 && live.length === 0 ? `${proxy} (has not asked for ${unasked.join(", ")})` : proxy,
  );
  const others = names.length > namesMax ? ` and ${names.length - namesMax} more` : "";
  return `acknowledged by ${count(matched - pending.length, matched)}; waiting for ${names.slice(0, namesMax).join(", ")}${others}`;
}

/** Proxies that a message names. */
const namesMax = 5;

/** `2 of 3 proxies` */
export function count(some: number, all: number): string {
  return `${some} of ${all} ${all === 1 ? "proxy" : "proxies"}`;
}
