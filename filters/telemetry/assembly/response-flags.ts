// Short names of Envoy's response flags, the first one being bit 0.
// @see Envoy envoy/stream_info/stream_info.h, source/common/stream_info/utility.cc
const NAMES: StaticArray<string> = [
  "LH",
  "UH",
  "UT",
  "LR",
  "UR",
  "UF",
  "UC",
  "UO",
  "NR",
  "DI",
  "FI",
  "RL",
  "UAEX",
  "RLSE",
  "DC",
  "URX",
  "SI",
  "IH",
  "DPE",
  "UMSDR",
  "RFCF",
  "NFCF",
  "DT",
  "UPE",
  "NC",
  "OM",
  "DF",
  "DO",
  "DR",
  "UDO",
];

/** The names of the flags that are set, joined by commas; `-` for none. A flag of a later Envoy has none and is left out. */
export function flagNames(bits: u64): string {
  let names = "";
  for (let bit = 0; bit < NAMES.length; bit++) {
    if (!((bits >> bit) & 1)) continue;
    names += names.length ? "," + NAMES[bit] : NAMES[bit];
  }
  return names.length ? names : "-";
}
