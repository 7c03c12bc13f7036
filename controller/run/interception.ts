import { defaultFlags, parseInterception } from "../init/options.ts";
import { interceptionRules, restoreInput } from "../init/rules.ts";
import { virtualRange } from "../model/virtual-range.ts";
import { Network } from "./network.ts";

/** `auto`: where this machine can, `redirect`: or fail, `none`: ports are explicit, as Istio does without interception. */
export const interceptions = ["auto", "none", "redirect"] as const;
export type Interception = (typeof interceptions)[number];

/**
 * The network in which traffic is intercepted, where that is wanted and possible.
 *
 * @returns also which way it is and why, in one line for the user
 * @throws where it is asked for and not possible
 */
export async function networkFor(wanted: Interception): Promise<{ readonly network?: Network; readonly line: string }> {
  const without = (why: string) => {
    if (wanted === "redirect") throw new Error(`traffic can't be intercepted: ${why}`);
    return { line: `no interception: ${why}; ports are explicit (captureMode NONE)` };
  };
  if (wanted === "none") return without("none was asked for");
  if (process.platform !== "linux") return without("not Linux");
  if (process.getuid?.() !== 0) return without("not root");
  try {
    const network = await Network.open({ rules: rulesText(), virtualRange });
    return { network, line: "traffic is intercepted: each workload has a network namespace of its own" };
  } catch (error) {
    return without(error instanceof Error ? error.message : String(error));
  }
}

/** Those that `sluice init` makes in a pod of Kubernetes without annotations. */
function rulesText(): string {
  const parsed = parseInterception(defaultFlags);
  if ("problems" in parsed) throw new Error(parsed.problems.join("; "));
  return restoreInput(interceptionRules(parsed.interception));
}
