import { formatDecimal, parseDecimal } from "./decimal";

/** Nanoseconds in a second. */
export const SECOND: u64 = 1_000_000_000;

/** A duration that could not be read, as a sentence's end; empty if it could. */
export let durationFault: string = "";

/**
 * Nanoseconds of a text such as `10s`, `250ms`, `1.5m` or `1h`; units are ms, s, m and h. If it is not one: 0, and
 * `durationFault` says what is wrong with it and what to write.
 */
export function parseDuration(text: string): u64 {
  durationFault = "";
  let digits = 0;
  while (digits < text.length && isNumberPart(text.charCodeAt(digits))) digits++;
  const number = text.substring(0, digits);
  const unit = text.substring(digits);
  const dot = number.indexOf(".");
  if (!digits || dot == 0 || dot == digits - 1 || (number.indexOf(".", dot + 1) >= 0 && dot >= 0)) {
    return fail('it is not a duration; write a number and a unit, such as "10s" or "250ms"');
  }
  if (!unit.length) return fail('a unit is missing; write "' + number + 's" or "' + number + 'm"');
  const unitNs = unitInNs(unit);
  if (!unitNs) return fail('"' + unit + '" is no unit; write ms, s, m or h');
  const ns = parseDecimal(number) * <f64>unitNs;
  if (ns > 9e18) return fail("it is longer than 285 years");
  return <u64>nearest(ns);
}

/** The shortest text that `parseDuration` reads as this. */
export function formatDuration(ns: u64): string {
  const units = ["h", "m", "s"];
  for (let i = 0; i < units.length; i++) {
    const unitNs = unitInNs(units[i]);
    if (ns >= unitNs && ns % unitNs == 0) return (ns / unitNs).toString() + units[i];
  }
  return formatDecimal(<f64>ns / 1e6) + "ms";
}

function unitInNs(unit: string): u64 {
  if (unit == "ms") return 1_000_000;
  if (unit == "s") return SECOND;
  if (unit == "m") return 60 * SECOND;
  return unit == "h" ? 3600 * SECOND : 0;
}

function isNumberPart(code: i32): bool {
  return (code >= 0x30 && code <= 0x39) || code == 0x2e;
}

function fail(what: string): u64 {
  durationFault = what;
  return 0;
}
