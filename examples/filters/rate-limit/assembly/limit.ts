// The buckets, as all workers share them: 8 bytes each in shared data, in one of 256 places by hash of whom they are for. A bucket
// is read, changed and swapped for what was read; where another worker was faster, it is read again.
import { clock, getSharedData, hashText, IF_ABSENT, Status, setSharedData } from "@sluice/sdk/assembly";
import { Settings } from "./config";
import { admit, secondsToWait } from "./pace";

const PLACES: u32 = 256;

/** So often other workers may be faster. A host that says so for ever must not hold this one. */
const TRIES: i32 = 100;

@final
export class Limit {
  private intervalNs: u64;
  private burst: u32;

  constructor(settings: Settings) {
    this.intervalNs = <u64>settings.per / settings.requests;
    this.burst = settings.burst;
  }

  /**
   * Counts a request, if it is within the limit.
   *
   * @returns 0 then, else the seconds to wait. Where others are always faster, it is refused: the load is high.
   */
  take(whose: string): u64 {
    const key = placeOf(whose);
    for (let i = 0; i < TRIES; i++) {
      const shared = getSharedData(key);
      const emptyNs = shared == null || shared.bytes.length != 8 ? 0 : load<u64>(shared.bytes.dataStart);
      const nowNs = clock.monotonicNs();
      const next = admit(emptyNs, nowNs, this.intervalNs, this.burst);
      if (!next) return secondsToWait(emptyNs, nowNs, this.intervalNs, this.burst);
      const bytes = new Uint8Array(8);
      store<u64>(bytes.dataStart, next);
      if (setSharedData(key, bytes, shared == null ? IF_ABSENT : shared.cas) != Status.CasMismatch) return 0;
    }
    return 1;
  }
}

/** Two with the same place share a limit. */
function placeOf(whose: string): string {
  return "rate-limit/" + (hashText(whose) % PLACES).toString();
}
