// What a module costs: counted while a test does something.

/** What it cost to do something, over all VMs of a process. */
export interface Usage {
  /** Hostcalls by name in the ABI. */
  readonly hostcalls: Readonly<Record<string, number>>;
  /** Values that the host handed over, each in memory that it asked the module for. */
  readonly allocations: number;
  /** Bytes of these values. */
  readonly allocatedBytes: number;
  /** Memory of the largest VM of the host's own plugins when all was done; a multiple of 64 KiB. */
  readonly memoryBytes: number;
  /** Size of the host's modules; of one that stands under two vm_ids twice. */
  readonly moduleBytes: number;
}

/** Counts the memory that the host asks modules for. */
export class AllocationCounter {
  count = 0;
  bytes = 0;

  add(sizeBytes: number): void {
    this.count += 1;
    this.bytes += sizeBytes;
  }
}

/** What was added to counts since an earlier look at them; nothing that stayed as it was. */
export function difference(
  after: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const added = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(added.filter(([, count]) => count > 0));
}
