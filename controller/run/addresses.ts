/** First and last pod of 127.0.18.0/24, where no other program is likely to listen; Linux accepts all of 127.0.0.0/8. */
const first = 1;
const last = 254;

/** The pods' addresses in order of preference, without those that are taken. */
export function* addressesBut(taken: ReadonlySet<string>): Generator<string> {
  for (let n = first; n <= last; n++) {
    const address = `127.0.18.${n}`;
    if (!taken.has(address)) yield address;
  }
}
