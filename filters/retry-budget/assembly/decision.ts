// What has been decided about a request's retries, in filter state: written by one attempt, read by the next one, by the
// downstream half, by the access log and by spans.
import { FilterState } from "@sluice/sdk/assembly";
import { Budget } from "./budgets";
import { toNumber } from "./retry-on";

/** Read in an access log as `%FILTER_STATE(wasm.sluice.retry-budget:PLAIN)%`. */
const NAME = "sluice.retry-budget";

/** The last reservation was used: that retry is being made, or was. */
export const USED = "used";

/** The router retries no response with this header. */
export const MARK = "x-envoy-ratelimited";

/** A retry was denied, and a response that carries our mark for it must not show that to the caller. */
export const DENIED = "denied";

/** A server's proxy denied a retry; its response carries our mark, which the caller's proxy must see. */
export const REFUSED = "refused";

/** `reserved <slot> <nanoseconds>`: the next attempt is admitted. */
const RESERVED = "reserved ";

export function readDecision(state: FilterState): string | null {
  return state.get(NAME);
}

export function writeDecision(state: FilterState, decision: string): void {
  state.set(NAME, decision);
}

/** The retry that this budget has admitted last waits for its attempt. */
export function reservationIn(budget: Budget): string {
  return RESERVED + budget.slot.toString() + " " + budget.admittedNs.toString();
}

export function isReservation(decision: string | null): bool {
  return decision != null && decision.startsWith(RESERVED);
}

/** Slot and time of a reservation; -1 where it is none. */
export class Reservation {
  readonly slot: i64;
  readonly timeNs: i64;

  constructor(decision: string) {
    const space = decision.indexOf(" ", RESERVED.length);
    this.slot = toNumber(decision.substring(RESERVED.length, space));
    this.timeNs = toNumber(decision.substring(space + 1));
  }
}
