// The forms in which a deadline travels: as the time left, so that the clocks of two machines need not agree, or as a moment,
// where they do. It knows no clock and no hostcall. All times are nanoseconds.

/** What a malformed value reads as: it is ignored, and never passed on. */
export const MALFORMED: i64 = -1;

/** Stands for no deadline at all. */
export const NONE: i64 = i64.MAX_VALUE;

/** What is longer is cut to this: 292 years. */
const LONGEST: i64 = NONE - 1;

export const MILLISECOND: i64 = 1_000_000;

/**
 * `grpc-timeout`: at most 8 digits and a unit. 0 is read, although gRPC asks for a positive number: it has passed.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, Timeout
 */
export function parseGrpcTimeout(text: string): i64 {
  const digits = text.length - 1;
  if (digits < 1 || digits > 8) return MALFORMED;
  const value = digitsOf(text, digits);
  const unit = unitOf(text.charCodeAt(digits));
  if (value < 0 || !unit) return MALFORMED;
  return value > LONGEST / unit ? LONGEST : value * unit;
}

/** The time left as `grpc-timeout`, rounded down, in the finest unit that takes no more than 8 digits; hours always do. */
export function formatGrpcTimeout(left: i64): string {
  const units = "numSMH";
  let i = 0;
  while (left / unitOf(units.charCodeAt(i)) >= 100_000_000) i++;
  return (left / unitOf(units.charCodeAt(i))).toString() + units.charAt(i);
}

/** Whole milliseconds, at most 15 digits. */
export function parseMillis(text: string): i64 {
  if (text.length > 15) return MALFORMED;
  const value = digitsOf(text, text.length);
  return value > LONGEST / MILLISECOND ? LONGEST : value < 0 ? MALFORMED : value * MILLISECOND;
}

/** The time left in whole milliseconds, rounded down. */
export function formatMillis(left: i64): string {
  return (left / MILLISECOND).toString();
}

/**
 * The time left until a moment in milliseconds since 1970; 0 if it has passed.
 *
 * @param now  of the real-time clock, not before 1970 and the skew
 * @param skew by how much the sender's clock may be behind: as much later has the moment passed for sure
 */
export function leftUntil(text: string, now: i64, skew: i64): i64 {
  const moment = parseMillis(text);
  if (moment == MALFORMED) return MALFORMED;
  return max<i64>(moment - now + skew, 0);
}

/** The number in the first `count` characters; -1 if there is none, or another character. */
function digitsOf(text: string, count: i32): i64 {
  let value: i64 = count ? 0 : -1;
  for (let i = 0; i < count; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Nanoseconds in a unit of `grpc-timeout`; 0 for what is none. */
function unitOf(code: i32): i64 {
  switch (code) {
    case 0x6e /* n */:
      return 1;
    case 0x75 /* u */:
      return 1_000;
    case 0x6d /* m */:
      return MILLISECOND;
    case 0x53 /* S */:
      return 1_000_000_000;
    case 0x4d /* M */:
      return 60_000_000_000;
    case 0x48 /* H */:
      return 3_600_000_000_000;
    default:
      return 0;
  }
}
