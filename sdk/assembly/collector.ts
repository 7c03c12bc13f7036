// When garbage is collected. The runtime `minimal` never does it by itself, which makes every allocation and every store of
// a reference cheaper than in `incremental`; but `__collect` may only run where no local variable holds an object: at the end
// of a callback, since the host never calls one while another runs.
import { received, resetReceived } from "./host-memory";

let callbacks: usize = 0;

/** Garbage that a callback leaves, as a rule: what it got from the host comes on top, and is known. */
const CALLBACK_COST: usize = 512;

/** A collection costs as much as there is to look at, so it must be rare; and memory never shrinks, so not too rare. */
const GARBAGE_MAX: usize = 128 * 1024;

/** Called as the last thing of each callback that may allocate. */
export function collectIfDue(): void {
  callbacks++;
  if (callbacks * CALLBACK_COST + received * 2 < GARBAGE_MAX) return;
  callbacks = 0;
  resetReceived();
  __collect();
}
