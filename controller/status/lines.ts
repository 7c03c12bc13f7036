import { codes } from "../model/codes.ts";
import { refText } from "../model/object.ts";
import { type Problem, problemText } from "../model/problem.ts";
import { isOf, type MeshStatus, type Refusal } from "./mesh-status.ts";
import { pluginLines } from "./plugin-lines.ts";
import type { PushStatus } from "./push.ts";
import { info, type StatusLine } from "./status-line.ts";
import type { ProxySync } from "./sync.ts";

/** What is to be said of the change from one status to the next; nothing where nothing changed for the user. */
export function statusLines(before: MeshStatus, after: MeshStatus): readonly StatusLine[] {
  return [
    ...proxyLines(before.proxies, after.proxies),
    ...problemLines(before.problems, after.problems),
    ...pushLines(before.push, after.push),
    ...refusalLines(before, after),
    ...pluginLines(before.plugins, after.plugins),
  ];
}

function proxyLines(before: readonly ProxySync[], after: readonly ProxySync[]): readonly StatusLine[] {
  const old = new Map(before.map((proxy) => [proxy.name, proxy]));
  const names = new Set(after.map(({ name }) => name));
  const gone = before.filter(({ name }) => !names.has(name)).map(({ name }) => info(`${name} disconnected`));
  const come = after.flatMap(({ name, version, connectedAtMs }) => {
    const was = old.get(name);
    if (was?.connectedAtMs === connectedAtMs) return [];
    const envoy = version === "" ? "" : `, Envoy ${version}`;
    return [info(`${name} ${was === undefined ? "connected" : "reconnected"}${envoy}`)];
  });
  return [...gone, ...come];
}

/** A problem that only moved to another line is the same problem. */
function problemLines(before: readonly Problem[], after: readonly Problem[]): readonly StatusLine[] {
  const old = byKey(before);
  const now = byKey(after);
  const resolved = [...old].filter(([key]) => !now.has(key)).map(([, one]) => info(`resolved: ${problemText(one)}`));
  const levels = { error: "error", warning: "warn", info: "info" } as const;
  const appeared = [...now]
    .filter(([key]) => !old.has(key))
    .map(([, problem]) => ({ level: levels[problem.severity], text: problemText(problem) }));
  return [...resolved, ...appeared];
}

/** That a ServiceAccount or ConfigMap does not concern the mesh is no news to who put it there. */
export function isWorthALine({ severity, code }: Problem): boolean {
  return severity !== "info" || code !== codes.noEffect;
}

function byKey(problems: readonly Problem[]): ReadonlyMap<string, Problem> {
  return new Map(
    problems.filter(isWorthALine).map((problem) => {
      const { place, ...rest } = problem;
      return [JSON.stringify([place?.file, problem.severity, problemText(rest)]), problem];
    }),
  );
}

function pushLines(before: PushStatus | undefined, after: PushStatus | undefined): readonly StatusLine[] {
  if (after === undefined || after.resources === 0) return [];
  const { resources, proxies, tookMs, acknowledgedMs } = after;
  const isNew = before?.generation !== after.generation;
  const pushed = `pushed ${plural(resources, "resource", "resources")} to ${plural(proxies, "proxy", "proxies")} in ${tookMs} ms`;
  const isAcked = acknowledgedMs !== undefined && (isNew || before.acknowledgedMs === undefined);
  return [
    ...(isNew ? [info(pushed)] : []),
    ...(isAcked ? [info(`acknowledged by all after ${acknowledgedMs} ms`)] : []),
  ];
}

function refusalLines(before: MeshStatus, after: MeshStatus): readonly StatusLine[] {
  const connected = new Set(after.proxies.map(({ name }) => name));
  const over = before.refusals.filter((old) => connected.has(old.proxy) && !after.refusals.some(isOf(old)));
  const appeared = after.refusals.filter(
    (one) => !before.refusals.some((old) => isOf(one)(old) && old.reason === one.reason),
  );
  const accepted = grouped(over, ({ type, name }) => `${type} ${name}`).map(([what, refusals]) =>
    info(`accepted by ${proxiesOf(refusals)}: ${what}`),
  );
  const refused = grouped(appeared, refusalText).map(
    ([what, refusals]): StatusLine => ({ level: "error", text: `refused by ${proxiesOf(refusals)}: ${what}` }),
  );
  return [...accepted, ...refused];
}

function refusalText({ type, name, owners, reason, isLive }: Refusal): string {
  const of = owners.length === 0 ? "" : ` (${owners.map(refText).join(", ")})`;
  return `${type} ${name}${of}: ${reason}; ${isLive ? "the last good version still serves" : "nothing serves in its place"}`;
}

/** Refusals with the same text, in order of the first. */
function grouped(refusals: readonly Refusal[], text: (one: Refusal) => string): [string, Refusal[]][] {
  return [...Map.groupBy(refusals, text)];
}

function proxiesOf(refusals: readonly Refusal[]): string {
  return refusals.map(({ proxy }) => proxy).join(", ");
}

function plural(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
