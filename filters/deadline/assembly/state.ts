// What the two halves tell each other about a request, in filter state.
import { FilterState } from "@sluice/sdk/assembly";

/**
 *   0  i64  deadline in nanoseconds of the monotonic clock
 *   8  i64  less left than this many nanoseconds counts as passed
 *  16  u8   the headers that tell it
 */
const AT = "sluice.deadline.at";
const AT_SIZE = 17;

/** What became of it; read in an access log as `%FILTER_STATE(wasm.sluice.deadline:PLAIN)%`. */
const OUTCOME = "sluice.deadline";

/** The request was ended because its deadline had passed. */
export const EXCEEDED = "exceeded";

/** No time was left for another attempt: the response carries our mark, and the caller must not see that. */
export const LAST = "last attempt";

/** A request's deadline. */
@final
export class Deadline {
  constructor(
    /** By the monotonic clock. */
    readonly at: i64,
    /** Less left than this counts as passed. */
    readonly minimum: i64,
    readonly forms: i32,
  ) {}

  /** The deadline of this request; null if it has none. */
  static read(state: FilterState): Deadline | null {
    const bytes = state.getBytes(AT);
    if (bytes == null || bytes.length != AT_SIZE) return null;
    const from = bytes.dataStart;
    return new Deadline(load<i64>(from), load<i64>(from, 8), load<u8>(from, 16));
  }

  write(state: FilterState): void {
    const bytes = new Uint8Array(AT_SIZE);
    const to = bytes.dataStart;
    store<i64>(to, this.at);
    store<i64>(to, this.minimum, 8);
    store<u8>(to, <u8>this.forms, 16);
    state.setBytes(AT, bytes);
  }
}

export function readOutcome(state: FilterState): string | null {
  return state.get(OUTCOME);
}

export function writeOutcome(state: FilterState, outcome: string): void {
  state.set(OUTCOME, outcome);
}
