import { codes } from "../model/codes.ts";
import type { Mesh } from "../model/mesh.ts";
import { isSelective, refOf } from "../model/object.ts";
import type { Problem } from "../model/problem.ts";
import { overruled } from "./same-scope.ts";

/** Telemetries that another one leaves without effect. */
export function checkTelemetry(mesh: Mesh): readonly Problem[] {
  return overruled(mesh.telemetries, mesh).map(({ object, message }) => ({
    ...{ severity: "error", code: isSelective(object.spec) ? codes.conflictingTelemetry : codes.secondTelemetry },
    ...{ object: refOf(object), path: ["spec"], message },
  }));
}
