// What the two halves tell each other about a request, in filter state.
import { FilterState } from "@sluice/sdk/assembly";

/** 8 bytes of the deadline in nanoseconds of the monotonic clock, and one of the headers that tell it. */
const AT = "sluice.deadline.at";
const AT_SIZE = 9;

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
    readonly at: i64,
    readonly form: i32,
  ) {}

  /** The deadline of this request; null if it has none. */
  static read(state: FilterState): Deadline | null {
    const bytes = state.getBytes(AT);
    if (bytes == null || bytes.length != AT_SIZE) return null;
    return new Deadline(load<i64>(bytes.dataStart), load<u8>(bytes.dataStart, 8));
  }

  write(state: FilterState): void {
    const bytes = new Uint8Array(AT_SIZE);
    store<i64>(bytes.dataStart, this.at);
    store<u8>(bytes.dataStart, <u8>this.form, 8);
    state.setBytes(AT, bytes);
  }
}

export function readOutcome(state: FilterState): string | null {
  return state.get(OUTCOME);
}

export function writeOutcome(state: FilterState, outcome: string): void {
  state.set(OUTCOME, outcome);
}
