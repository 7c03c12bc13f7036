// What a failed assertion, an index out of range or a `throw` runs (asc --use abort=...). It says what happened in
// Envoy's log and needs no allocation: when memory is exhausted, an allocating handler would abort in turn and lose the
// message. asc puts an `unreachable` behind each call, which ends the VM.
import * as LogLevel from "../abi/log-level";
import { proxy_log } from "./env";
import { encodeUtf8 } from "./utf8";

/** Holds the longest that `abort` writes: 160 + 128 units of at most three bytes each, the words and two numbers. */
const buffer = memory.data(1024);

/** `abort: <message> at <file>:<line>:<column>` as one line of level critical. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  store<u64>(buffer, 0x203a_74726f6261); // "abort: "
  let end = put(buffer + 7, message, 160);
  store<u32>(end, 0x20746120); // " at "
  end = put(end + 4, file, 128);
  end = putNumber(end, line);
  end = putNumber(end, column);
  proxy_log(LogLevel.Critical, buffer, end - buffer);
}

/** At most `max` UTF-16 units, so that three bytes for each always fit. */
function put(at: usize, text: string | null, max: i32): usize {
  return text == null ? at : at + encodeUtf8(text, min(text.length, max), at);
}

/** `:` and the number in decimal. */
function putNumber(at: usize, value: u32): usize {
  store<u8>(at++, 0x3a);
  for (let rest = value / 10; rest; rest /= 10) at++;
  let digit = at;
  do {
    store<u8>(digit--, 0x30 + (value % 10));
    value /= 10;
  } while (value);
  return at + 1;
}
