// The budgets of the proxy, as all of its workers and both halves share them. A window is read, changed and swapped for what
// was read; where another worker was faster, it is read again.
import { Counter, clock, Gauge, hashText, labelled, SharedValue, Status, setSharedData } from "@sluice/sdk/assembly";
import { BudgetConfig } from "./config";
import { keyOf, read, SLOTS, Slots, TRIES } from "./slots";
import { advance, countCall, giveBack, newestNs, shareToShow, tryAdmit } from "./window";

/** The budgets as one worker sees them. */
export class Budgets {
  private slots: Slots = new Slots();
  private budgets: StaticArray<Budget | null> = new StaticArray<Budget | null>(SLOTS);
  private collisions: Counter = new Counter("retry_budget_collisions_total");
  private conflicts: Counter = new Counter("retry_budget_conflicts_total");

  constructor(private config: BudgetConfig) {}

  /** The budget of a scope; one that is shared has the name that this worker met first. */
  of(name: string): Budget {
    const hash = max<u32>(hashText(name), 1); // 0 is nobody's
    const slot = this.slots.of(hash);
    let budget = this.budgets[slot];
    if (budget == null) {
      budget = new Budget(this.config, this.conflicts, slot, name);
      this.budgets[slot] = budget;
    }
    if (budget.name != name || this.slots.ownerOf(slot) != hash) this.collisions.increment();
    return budget;
  }

  /** Gives back a retry that was reserved in the budget in this slot, and not made. */
  giveBack(slot: i64, timeNs: u64): void {
    const key = keyOf(slot.toString());
    for (let i = 0; i < TRIES; i++) {
      const shared = read(key);
      const at = shared.bytes.dataStart;
      if (!giveBack(at, timeNs)) return;
      if (setSharedData(key, shared.bytes, shared.cas) == Status.Ok) return;
    }
  }
}

/** One budget: counts calls and admits retries. */
@final
export class Budget {
  /** Retries that were made. */
  readonly retries: Counter;
  /** Retries that were not, because the budget was spent. */
  readonly denied: Counter;
  /** When the bucket begins in which the retry counts that was admitted last. */
  admittedNs: u64 = 0;
  private calls: Counter;
  private share: Gauge;
  private key: string;

  constructor(
    private config: BudgetConfig,
    private conflicts: Counter,
    readonly slot: i32,
    readonly name: string,
  ) {
    this.key = keyOf(slot.toString());
    this.retries = new Counter(metric("retry_budget_retries_total", name));
    this.denied = new Counter(metric("retry_budget_denied_total", name));
    this.calls = new Counter(metric("retry_budget_calls_total", name));
    this.share = new Gauge(metric("retry_budget_used_percent", name));
  }

  countCall(): void {
    for (let i = 0; i < TRIES; i++) {
      const shared = this.open();
      countCall(shared.bytes.dataStart);
      if (this.swap(shared)) break;
    }
    this.calls.increment();
  }

  /** Admits one retry and counts it; false where the budget is spent. */
  tryAdmit(): bool {
    for (let i = 0; i < TRIES; i++) {
      const shared = this.open();
      const at = shared.bytes.dataStart;
      const admitted = tryAdmit(at, this.config.percent, this.config.minRetries);
      this.admittedNs = newestNs(at);
      if (!this.swap(shared, admitted)) continue;
      if (admitted) return true;
      break;
    }
    this.denied.increment();
    return false;
  }

  /** The window, brought up to now. The time is taken after the read: what others have written is not later. */
  private open(): SharedValue {
    const shared = read(this.key);
    advance(shared.bytes.dataStart, clock.monotonicNs(), <u64>this.config.window);
    return shared;
  }

  /** Writes the window back; false where another worker was faster. What only time has changed, others find by themselves. */
  private swap(shared: SharedValue, isCounted: bool = true): bool {
    const share = shareToShow(shared.bytes.dataStart, this.config.percent, this.config.minRetries);
    if (!isCounted && share < 0) return true;
    if (setSharedData(this.key, shared.bytes, shared.cas) != Status.Ok) {
      this.conflicts.increment();
      return false;
    }
    if (share >= 0) this.share.set(share);
    return true;
  }
}

function metric(name: string, scope: string): string {
  return labelled(name, ["scope"], [scope]);
}
