// Envoy prints response flags in the order in which they were set, and filters see bits only. So the table is in the order
// of a request's life: filters before the router, the end of retries before the failure that ended them, the caller's end
// of the connection last.
// @see Envoy envoy/stream_info/stream_info.h (bits), source/common/stream_info/utility.cc (names)

/** A flag's bit, and its short name. */
class Flag {
  constructor(
    readonly bit: u64,
    readonly name: string,
  ) {}
}

const FLAGS: Flag[] = [
  new Flag(1 << 17, "IH"),
  new Flag(1 << 25, "OM"),
  new Flag(1 << 21, "NFCF"),
  new Flag(1 << 9, "DI"),
  new Flag(1 << 10, "FI"),
  new Flag(1 << 11, "RL"),
  new Flag(1 << 12, "UAEX"),
  new Flag(1 << 13, "RLSE"),
  new Flag(1 << 20, "RFCF"),
  new Flag(1 << 0, "LH"),
  new Flag(1 << 8, "NR"),
  new Flag(1 << 24, "NC"),
  new Flag(1 << 15, "URX"),
  new Flag(1 << 1, "UH"),
  new Flag(1 << 2, "UT"),
  new Flag(1 << 3, "LR"),
  new Flag(1 << 4, "UR"),
  new Flag(1 << 5, "UF"),
  new Flag(1 << 6, "UC"),
  new Flag(1 << 7, "UO"),
  new Flag(1 << 19, "UMSDR"),
  new Flag(1 << 23, "UPE"),
  new Flag(1 << 26, "DF"),
  new Flag(1 << 27, "DO"),
  new Flag(1 << 29, "UDO"),
  new Flag(1 << 16, "SI"),
  new Flag(1 << 22, "DT"),
  new Flag(1 << 18, "DPE"),
  new Flag(1 << 28, "DR"),
  new Flag(1 << 14, "DC"),
];

/** The names of the flags that are set, joined by commas; `-` for none. A flag of a later Envoy has none and is left out. */
export function flagNames(bits: u64): string {
  if (!bits) return "-";
  let names = "";
  for (let i = 0; i < FLAGS.length; i++) {
    if (bits & FLAGS[i].bit) names += names.length ? "," + FLAGS[i].name : FLAGS[i].name;
  }
  return names.length ? names : "-";
}
