// What has been decided about a request's retries, in filter state: written by one attempt, read by the next one, by the
// downstream half, by the access log and by spans.
import { FilterState } from "@sluice/sdk/assembly";
import { Budget } from "./budgets";

/** Read in an access log as `%FILTER_STATE(wasm.sluice.retry-budget:PLAIN)%`. */
const NAME = "sluice.retry-budget";

/** The last reservation was used: that retry is being made, or was. */
export const USED = "used";

/** A retry was denied, and the response carries our mark; the caller must not see that. */
export const DENIED = "denied";

/** `reserved <slot> <bucket>`: the next attempt is admitted. */
const RESERVED = "reserved ";

export function readDecision(state: FilterState): string | null {
  return state.get(NAME);
}

export function writeDecision(state: FilterState, decision: string): void {
  state.set(NAME, decision);
}

/** The retry that this budget has admitted last waits for its attempt. */
export function reservationIn(budget: Budget): string {
  return RESERVED + budget.slot.toString() + " " + budget.bucket.toString();
}

export function isReservation(decision: string | null): bool {
  return decision != null && decision.startsWith(RESERVED);
}

/** Slot and bucket of a reservation. */
export class Reservation {
  readonly slot: i32;
  readonly bucket: u64;

  constructor(decision: string) {
    const parts = decision.split(" ");
    this.slot = parts.length == 3 ? I32.parseInt(parts[1]) : -1;
    this.bucket = parts.length == 3 ? U64.parseInt(parts[2]) : 0;
  }
}
