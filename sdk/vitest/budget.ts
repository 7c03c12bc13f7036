import { isCollectingCoverage, type Usage } from "../host/index.ts";
import { listed, type Verdict, verdict } from "./verdict.ts";

/** The most that something may cost; what is not said may cost anything. Memory and size of a module that counts coverage are not compared. */
export interface Budget {
  /** Of all hostcalls together, or of each by its name: then of those not named none. */
  readonly hostcalls?: number | Readonly<Record<string, number>>;
  readonly allocations?: number;
  readonly allocatedBytes?: number;
  readonly memoryBytes?: number;
  readonly moduleBytes?: number;
}

/** @see Matchers.toStayWithin */
export function toStayWithin(usage: Usage, budget: Budget): Verdict {
  const limits = limitsOf(usage, budget);
  const over = limits.filter(({ found, most }) => found > most);
  const { hostcalls, ...rest } = usage;
  const spent = [...Object.entries(rest), ...Object.entries(hostcalls)].map(([what, count]) => `${what} ${count}`);
  return verdict(over.length === 0, "to stay within the budget", () =>
    [
      listed(
        over.length === 0 ? "budget" : "over budget",
        (over.length === 0 ? limits : over).map(({ what, found, most }) => `${what}: ${found} of ${most}`),
      ),
      listed("spent", spent),
    ].join("\n"),
  );
}

interface Limit {
  readonly what: string;
  readonly found: number;
  readonly most: number;
}

function limitsOf(usage: Usage, { hostcalls: calls, ...others }: Budget): Limit[] {
  const { hostcalls } = usage;
  const total = Object.values(hostcalls).reduce((sum, count) => sum + count, 0);
  const ofCalls =
    typeof calls === "object"
      ? Object.keys({ ...hostcalls, ...calls }).map((what) => ({
          what,
          found: hostcalls[what] ?? 0,
          most: calls[what] ?? 0,
        }))
      : [{ what: "hostcalls", found: total, most: calls ?? Number.POSITIVE_INFINITY }];
  const { allocations, allocatedBytes, memoryBytes, moduleBytes } = others;
  const rest = { allocations, allocatedBytes, ...(!isCollectingCoverage() && { memoryBytes, moduleBytes }) };
  const ofRest = (Object.keys(rest) as (keyof typeof rest)[]).flatMap((what) => {
    const most = rest[what];
    return most === undefined ? [] : [{ what, found: usage[what], most }];
  });
  return [...ofCalls, ...ofRest];
}
