// When garbage is collected: at the end of callbacks, because the runtime finds what is in use from the globals on, not in local
// variables. The host never calls one callback while another runs.
import { isSweepDue } from "./runtime/heap";

/** Called as the last thing of each callback that may allocate. */
export function collectIfDue(): void {
  if (isSweepDue()) __collect();
}
