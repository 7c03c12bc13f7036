import * as z from "zod";
import type { WorkloadMode } from "../model/telemetry.ts";

// What the rules of all parts of a Telemetry have.

export const mode = z
  .enum(["CLIENT_AND_SERVER", "CLIENT", "SERVER"])
  .optional()
  .describe("CLIENT: outbound and gateways; SERVER: inbound. Default: CLIENT_AND_SERVER.");

export function modeOf(match: { readonly mode?: WorkloadMode | undefined } | undefined): WorkloadMode {
  return match?.mode ?? "CLIENT_AND_SERVER";
}

/** @param known the only one that there is */
export function providerRefs(known: string) {
  return z
    .array(z.strictObject({ name: z.string().min(1) }))
    .optional()
    .describe(`There is ${known}. Default: that of the rule before.`);
}

export function namesOf(refs: readonly { readonly name: string }[] = []): readonly string[] {
  return refs.map(({ name }) => name);
}
