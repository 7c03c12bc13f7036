// Limits retries to a share of the calls in a sliding window, over all workers of a proxy. See ../README.md.
import { Config, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Attempt } from "./attempt";
import { Budgets } from "./budgets";
import { BudgetConfig } from "./config";
import { Request } from "./request";

class RetryBudget extends Plugin {
  private config: BudgetConfig | null = null;
  private budgets: Budgets | null = null;

  onConfigure(config: Config): void {
    this.config = config.read<BudgetConfig>();
    this.budgets = new Budgets(this.config!);
  }

  createHttpContext(): HttpContext {
    return new Request(this.budgets!);
  }

  createUpstreamContext(): HttpContext {
    return new Attempt(this.config!, this.budgets!);
  }
}

registerPlugin(() => new RetryBudget());
