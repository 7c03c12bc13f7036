// What a request costs Envoy that deadline or retry-budget see, and nothing goes wrong with: both halves, in each direction.
import type { Chain, Plugin } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import type { Figure, Measurement } from "./figures.ts";
import { filterCost } from "./filter-cost.ts";

/** As the controller tells filters of a route. */
const metadata = { retryOn: "5xx", attempts: 3, timeoutMs: 0 };
const route = { retry_policy: { retry_on: "5xx", num_retries: 3 } };

const left = { "x-request-timeout-ms": "30000" };

export const resilienceCost: Measurement = async (resources) => {
  const plugin = async (name: string): Promise<Plugin> => ({ name, module: await filterModule(name) });
  const [deadline, budget] = [await plugin("deadline"), await plugin("retry-budget")];
  const figures: Figure[] = [];
  for (const direction of ["OUTBOUND", "INBOUND"] as const) {
    const chain = (...plugins: readonly Plugin[]): Partial<Chain> => ({ direction, route, metadata, plugins });
    const where = direction.toLowerCase();
    figures.push(
      ...(await filterCost(
        [
          { what: `Envoy, ${where}`, chain: chain() },
          { what: `deadline, ${where}, without a deadline`, chain: chain(deadline) },
          { what: `deadline, ${where}, with one`, chain: chain(deadline), headers: left },
          { what: `retry-budget, ${where}, one attempt`, chain: chain(budget) },
        ],
        resources,
      )),
    );
  }
  return figures;
};
