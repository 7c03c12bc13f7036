import * as z from "zod";
import type { CelRule } from "./cel.ts";
import { selectorLabels } from "./fields.ts";
import { refused } from "./walk.ts";

// How kinds that act on workloads choose them.

/** Istio's workload selector. */
export const selector = z
  .strictObject({ matchLabels: selectorLabels().optional() })
  .optional()
  .describe("Default: all workloads of the namespace; in the root namespace, of the mesh.");

/** The selector, and Istio's other ways: `without` them, what would happen. */
export function workloadSelection(without: string) {
  const text = `is not supported yet: without it ${without}; write selector`;
  return { selector, targetRef: refused(text, "a mapping"), targetRefs: refused(text, "a list of mappings") };
}

export const oneSelection: CelRule = {
  rule: "[has(self.selector), has(self.targetRef), has(self.targetRefs)].filter(is, is).size() <= 1",
  message: "only one of targetRefs or selector can be set",
};
