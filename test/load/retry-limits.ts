// What can limit the retries of a route that retries 5xx three times: what the measurements compare, each by its defaults.
import { freePort } from "../support/envoy.ts";
import type { Chain } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";

export interface RetryLimit {
  readonly name: string;
  /** A listener on a free port. */
  chain(upstreamPort: number): Promise<Chain>;
}

const attempts = 3;
const plenty = 100_000; // of what else an Envoy limits

/** None, Envoy's two by its circuit breakers, and the filter. */
export async function retryLimits(): Promise<readonly RetryLimit[]> {
  const retryBudget = { name: "retry-budget", module: await filterModule("retry-budget") };
  const limit = (name: string, thresholds: Chain["thresholds"], plugins: Chain["plugins"] = []): RetryLimit => ({
    name,
    chain: async (upstreamPort) => ({
      direction: "OUTBOUND",
      port: await freePort(),
      upstreamPorts: [upstreamPort],
      plugins,
      route: { retry_policy: { retry_on: "5xx", num_retries: attempts } },
      metadata: { retryOn: "5xx", attempts, timeoutMs: 0 },
      thresholds: { max_connections: plenty, max_pending_requests: plenty, max_requests: plenty, ...thresholds },
    }),
  });
  return [
    limit("no limit", { max_retries: plenty }),
    limit("max_retries: 3", { max_retries: 3 }),
    limit("Envoy's retry_budget: 20 %", { retry_budget: { budget_percent: { value: 20 }, min_retry_concurrency: 3 } }),
    limit("retry-budget: 20 %", { max_retries: plenty }, [retryBudget]),
  ];
}
