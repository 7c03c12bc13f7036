// The two filters that refuse work: budgets of retries as they drain, and deadlines that passed.
import { type Choice, dashboard, graph, type Query, rate, sumBy } from "./panels.ts";

const scope = 'scope=~"$scope"';
const perScope = (metric: string): string => sumBy(rate(metric, scope), ["scope"]);
const calls = perScope("retry_budget_calls_total");
/** 0 where there was none yet: a filter's counter is there from its first use. */
const orNone = (metric: string): string => `(${perScope(metric)} or 0 * ${calls})`;
const total = (metric: string): string => `sum(${rate(metric, "")}) or vector(0)`;
const legend = "{{scope}}";

const choices: readonly Choice[] = [
  { name: "scope", label: "Budget", values: "label_values(retry_budget_calls_total, scope)", many: true },
];

const passed = (what: string): Query => ({
  expr: total(`deadline_exceeded_${what}_total`),
  legend: what.replaceAll("_", " "),
});

export const resilience = dashboard("sluice-resilience", "Retry budgets and deadlines", choices, {
  "Retry budgets": [
    graph("Budget in use", "percent", { expr: `max(retry_budget_used_percent{${scope}}) by (scope)`, legend }),
    graph("Calls", "reqps", { expr: calls, legend }),
    graph(
      "Retries",
      "reqps",
      { expr: orNone("retry_budget_retries_total"), legend: `${legend} made` },
      { expr: orNone("retry_budget_denied_total"), legend: `${legend} denied` },
    ),
    graph("Attempts per call", "none", {
      expr: `1 + ${orNone("retry_budget_retries_total")} / ${calls}`,
      legend,
    }),
    graph("Lookups of a shared place", "cps", { expr: total("retry_budget_collisions_total") }),
  ],
  Deadlines: [
    graph("Passed", "reqps", ...["on_arrival", "while_open", "before_attempt"].map(passed)),
    graph("Malformed values", "cps", { expr: total("deadline_malformed_total") }),
  ],
});
