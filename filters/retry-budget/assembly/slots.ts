// Where the windows are: 256 slots in shared data. A slot belongs for good to the scope that was the first to need it, since shared
// data has no delete, and says so by the hash of the scope's name. A scope's slot is the first one, from where its hash points
// onwards, that is its own or nobody's: all workers find the same one, whoever comes first.
import { getSharedData, IF_ABSENT, log, SharedValue, Status, setSharedData } from "@sluice/sdk/assembly";
import { LAYOUT, own, WINDOW_SIZE } from "./window";

export const SLOTS: u32 = 256;

/** So often other workers may be faster. A host that says so for ever must not hold this one. */
export const TRIES: i32 = 100;

/** The slots as one worker knows them: it asks for the owner of each once. */
export class Slots {
  private owners: StaticArray<u32> = new StaticArray<u32>(SLOTS);

  constructor() {
    const isNew = setSharedData(keyOf("layout"), new Uint8Array(1), IF_ABSENT) == Status.Ok;
    if (isNew) log.info("no budgets of layout " + LAYOUT.toString() + " yet: all start empty");
  }

  /** Slot of the scope with this hash, its own; where all belong to others, the one where its hash points. */
  of(hash: u32): i32 {
    for (let i: u32 = 0; i < SLOTS; i++) {
      const slot = (hash + i) % SLOTS;
      if (!this.owners[slot]) this.owners[slot] = claim(slot, hash);
      if (this.owners[slot] == hash) return slot;
    }
    return hash % SLOTS;
  }

  /** Hash of the scope that a slot belongs to. */
  ownerOf(slot: i32): u32 {
    return this.owners[slot];
  }
}

/** Key of a slot, by its number. */
export function keyOf(slot: string): string {
  return "retry-budget/" + LAYOUT.toString() + "/" + slot;
}

/** Bytes under a key; zeros, which is a new window, where nobody has written any. Such are written nowhere else. */
export function read(key: string): SharedValue {
  const shared = getSharedData(key);
  if (shared != null && shared.bytes.length == <i32>WINDOW_SIZE) return shared;
  return new SharedValue(new Uint8Array(<i32>WINDOW_SIZE), IF_ABSENT);
}

/** Makes a slot this scope's own, where it is nobody's; the hash of the scope that it then belongs to. */
function claim(slot: i32, hash: u32): u32 {
  const key = keyOf(slot.toString());
  for (let i = 0; i < TRIES; i++) {
    const shared = read(key);
    const owner = own(shared.bytes.dataStart, hash);
    if (owner) return owner;
    if (setSharedData(key, shared.bytes, shared.cas) == Status.Ok) break;
  }
  return hash;
}
