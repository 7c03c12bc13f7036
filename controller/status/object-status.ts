import type { Problem } from "../model/problem.ts";
import { accepted, type Condition } from "./plugin-conditions.ts";

/** What has become of one object. */
export interface ObjectStatus {
  /** Of the object that is in force; absent where none is, in files, and where it doesn't matter. */
  readonly generation?: number;
  readonly conditions: readonly Condition[];
}

/** Most objects have no problem: they share one value. */
const good: ObjectStatus = { conditions: [accepted([])] };

/** Of an object that isn't a WasmPlugin: Accepted. @param problems its own */
export function objectStatus(problems: readonly Problem[]): ObjectStatus {
  return problems.length === 0 ? good : { conditions: [accepted(problems)] };
}
