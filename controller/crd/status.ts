import * as z from "zod";
import type { WrittenCondition, WrittenStatus } from "../model/written-status.ts";
import { mapByKey } from "./cel.ts";
import { count, whole } from "./fields.ts";

// `status` as the API server holds it; the control plane is the only one to write it.

const condition = z.strictObject({
  type: z.string().describe("What is said of the object: Accepted, Programmed, Degraded."),
  status: z.enum(["True", "False", "Unknown"]).describe("Whether it is so."),
  reason: z.string().optional().describe("One word for programs."),
  message: z.string().optional().describe("For people."),
  lastTransitionTime: z.string().meta({ format: "date-time" }).optional().describe("When status last changed."),
  observedGeneration: whole().optional().describe("The metadata.generation that it is about."),
}) satisfies z.ZodType<WrittenCondition>;

/** Of a kind that says no more than conditions. */
export const conditionsStatus = z.strictObject({
  conditions: mapByKey(z.array(condition), "type").optional().describe("What is so of it, since when and why."),
  observedGeneration: whole().optional().describe("The metadata.generation that all of this is about."),
});

/** Of a WasmPlugin. */
export const wasmPluginStatus = z.strictObject({
  ...conditionsStatus.shape,
  proxies: z
    .strictObject({
      matched: count().describe("Connected proxies that should run it."),
      acknowledged: count().describe("Of those, proxies that run what is wanted."),
      refused: count().describe("Of those, proxies that refused what is wanted."),
    })
    .optional()
    .describe("How far it has come."),
  digest: z.string().optional().describe("First 8 digits of the SHA-256 of the module that runs on most of them."),
}) satisfies z.ZodType<WrittenStatus>;
