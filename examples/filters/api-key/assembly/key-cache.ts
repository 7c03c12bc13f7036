// Keys that were good, in shared data: what one worker has asked, all know. Keys of shared data can't be deleted, so there is a
// fixed number of places, and one that is taken is overwritten.
//
//   "api-key/<hash of the key>" -> "<nanoseconds until which it counts>\n<key>\n<consumer>"
import { clock, decodeText, encodeText, getSharedData, hashText, setSharedData } from "@sluice/sdk/assembly";

const PLACES: u32 = 1024;

@final
export class KeyCache {
  constructor(private lifeNs: u64) {}

  /** Whose key it is; null if it is not known, or has been for too long. */
  find(key: string): string | null {
    const shared = getSharedData(placeOf(key));
    if (shared == null) return null;
    const parts = decodeText(shared.bytes).split("\n");
    if (parts.length != 3 || parts[1] != key || U64.parseInt(parts[0]) <= clock.monotonicNs()) return null;
    return parts[2];
  }

  add(key: string, consumer: string): void {
    if (!this.lifeNs) return;
    const until = clock.monotonicNs() + this.lifeNs;
    setSharedData(placeOf(key), encodeText([until.toString(), key, consumer].join("\n")));
  }
}

/** Two keys with the same place take turns in it. */
function placeOf(key: string): string {
  return "api-key/" + (hashText(key) % PLACES).toString();
}
