// The two filters that refuse work: budgets of retries as they drain, and deadlines that passed.
import { type Choice, dashboard } from "./dashboard.ts";
import { graph, type Query } from "./panels.ts";
import { orNone, rate, sumBy } from "./promql.ts";

const scope = 'scope=~"$scope"';
const perScope = (metric: string): string => sumBy(rate(metric, scope), ["scope"]);
const calls = perScope("retry_budget_calls_total");
const amongCalls = (metric: string): string => orNone(perScope(metric), calls);
const total = (metric: string): string => `sum(${rate(metric, "")}) or vector(0)`;
const legend = "{{scope}}";

const choices: readonly Choice[] = [
  {
    name: "scope",
    label: "Budget",
    description: "What has a budget of its own: a cluster, a route, or all that a proxy sends or gets.",
    values: "label_values(retry_budget_calls_total, scope)",
    many: true,
  },
];

const passed = (what: string): Query => ({
  expr: total(`deadline_exceeded_${what}_total`),
  legend: what.replaceAll("_", " "),
});

export const resilience = dashboard({
  page: "resilience",
  description: "What the filters retry-budget and deadline refuse.",
  choices,
  rows: {
    "Retry budgets": [
      graph(
        {
          title: "Budget in use",
          description:
            "Percent of the retries that a window allows which are used, in the proxy where it is most, as of the last call. At 100 " +
            "retries are denied: mend what fails; raise percent only if the upstream can bear more.",
          unit: "percent",
        },
        { expr: `max(retry_budget_used_percent{${scope}}) by (scope)`, legend },
      ),
      graph(
        {
          title: "Calls",
          description:
            "Requests per second by their first attempt: what a budget is a share of. With few calls only minRetries " +
            "lets retries through.",
          unit: "reqps",
        },
        { expr: calls, legend },
      ),
      graph(
        {
          title: "Retries",
          description:
            "Retries per second that were made, and that were denied because the budget was spent. Denied ones mean that " +
            "much more fails than usual; callers see the upstream's own errors, marked x-retry-budget: exhausted.",
          unit: "reqps",
        },
        { expr: amongCalls("retry_budget_retries_total"), legend: `${legend} made` },
        { expr: amongCalls("retry_budget_denied_total"), legend: `${legend} denied` },
      ),
      graph(
        {
          title: "Attempts per call",
          description:
            "How many times as much load the upstream has through retries: 1 is none. It can't stay above 1 + percent / " +
            "100, but by minRetries where there are few calls.",
          unit: "none",
        },
        { expr: `1 + ${amongCalls("retry_budget_retries_total")} / ${calls}`, legend },
      ),
      graph(
        {
          title: "Lookups of a shared place",
          description:
            "Lookups per second of budgets that share a place with another, since a proxy has 256. Above 0 for long: they " +
            "spend from each other; set per: proxy, or attach the plugin to fewer workloads.",
          unit: "cps",
        },
        { expr: total("retry_budget_collisions_total") },
      ),
    ],
    Deadlines: [
      graph(
        {
          title: "Passed",
          description:
            "Requests per second that were ended because their time was up: on arrival (the caller came too late), while " +
            "open (the work was too slow), before an attempt (no time left for a retry). See which service is slow.",
          unit: "reqps",
        },
        ...["on_arrival", "while_open", "before_attempt"].map(passed),
      ),
      graph(
        {
          title: "Malformed values",
          description:
            "Header values per second that are no deadline; such a request has none from that header. Find the client " +
            "that writes it.",
          unit: "cps",
        },
        { expr: total("deadline_malformed_total") },
      ),
    ],
  },
});
