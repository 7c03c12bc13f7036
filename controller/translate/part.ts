import type { Problem } from "../model/problem.ts";
import type { Resource } from "../model/resource.ts";

/** What one station of the translation contributes. */
export interface Part {
  readonly resources: readonly Resource[];
  readonly problems: readonly Problem[];
}

export function join(parts: readonly Part[]): Part {
  return {
    resources: parts.flatMap(({ resources }) => resources),
    problems: parts.flatMap(({ problems }) => problems),
  };
}
