import { proxyName } from "../model/proxy.ts";
import type { ProcessEvent } from "./processes.ts";
import type { Run, RunPod } from "./state.ts";

/** What runs where, for the start: the way in, then a line for each pod. */
export function runLines(run: Run): readonly string[] {
  const { gateway, xds } = run;
  const rows = run.pods.map((pod) => [proxyName(pod), pod.ip, applicationOf(pod) ?? "-"]);
  return [
    `gateway     http://${gateway.address}:${gateway.port}`,
    `controller  xDS ${xds.address}:${xds.port}, status http://127.0.0.1:${run.monitoringPort}/debug/syncz`,
    `folder      ${run.dir}`,
    `logs        ${run.logs}`,
    "",
    ...table([["POD", "ADDRESS", "APPLICATION"], ...rows]),
    "",
  ];
}

/** How a pod comes, goes, and takes traffic. */
export type PodChange = "started" | "ready" | "not ready" | "stopping";

export function changeLine(pod: RunPod, change: PodChange): string {
  const application = applicationOf(pod);
  const where = ` at ${pod.ip}${application === undefined ? "" : `, application ${application}`}`;
  return `${proxyName(pod)}: ${change}${change === "started" ? where : ""}`;
}

function applicationOf({ appPort, namespaces }: RunPod): string | undefined {
  return appPort === undefined ? undefined : `${namespaces ? "port " : "127.0.0.1:"}${appPort}`;
}

/** Columns padded to their widest cell, as istioctl prints them: five spaces between. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 5))
      .join("")
      .trimEnd(),
  );
}

/**
 * @param what `envoy`, or a container's name
 * @returns nothing for what needs no attention
 */
export function eventLines(
  pod: Pick<RunPod, "name" | "namespace">,
  what: string,
  event: ProcessEvent,
): readonly string[] {
  return event.state === "started" ? [] : deathLines(`${proxyName(pod)} ${what}`, event);
}

export function deathLines(who: string, event: Extract<ProcessEvent, { state: "died" }>): readonly string[] {
  const restart = `restarted in ${(event.restartMs / 1000).toFixed(1)} s`;
  return [`${who}: died (${event.reason}), ${restart}`, ...event.lastLines.map((line) => `  | ${line}`)];
}
