import { describe, expect, test } from "vitest";
import { decide } from "../inject/decide.ts";
import { viewOf } from "../inject/pod.ts";
import { injector, validator } from "./webhooks.ts";

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "DoesNotExist";
  readonly values?: readonly string[];
}

interface Webhook {
  readonly name: string;
  readonly namespaceSelector: { readonly matchExpressions: readonly Requirement[] };
  readonly objectSelector: { readonly matchExpressions: readonly Requirement[] };
}

type Labels = Readonly<Record<string, string>>;

/** As the API server does it; NotIn lets an absent label through. */
function meets(labels: Labels, { key, operator, values = [] }: Requirement): boolean {
  const value = labels[key];
  if (operator === "DoesNotExist") return value === undefined;
  return operator === "In"
    ? value !== undefined && values.includes(value)
    : value === undefined || !values.includes(value);
}

const webhooks = injector()["webhooks"] as readonly Webhook[];

/** Names without what they have in common. */
function called(namespace: Labels, pod: Labels): readonly string[] {
  return webhooks
    .filter(({ namespaceSelector, objectSelector }) =>
      [
        ...namespaceSelector.matchExpressions.map((one) => meets(namespace, one)),
        ...objectSelector.matchExpressions.map((one) => meets(pod, one)),
      ].every((met) => met),
    )
    .map(({ name }) => name.replace(".sidecar-injector.istio.io", ""));
}

const none: readonly (string | undefined)[] = [undefined];
const label = (key: string, value: string | undefined): Labels => (value === undefined ? {} : { [key]: value });

describe("the injector", () => {
  test.each`
    namespace                           | pod                                       | webhook
    ${{}}                               | ${{}}                                     | ${[]}
    ${{ "istio-injection": "enabled" }} | ${{}}                                     | ${["namespace"]}
    ${{ "istio-injection": "enabled" }} | ${{ "sidecar.istio.io/inject": "false" }} | ${[]}
    ${{ "istio.io/rev": "default" }}    | ${{}}                                     | ${["rev.namespace"]}
    ${{ "istio.io/rev": "canary" }}     | ${{ "sidecar.istio.io/inject": "true" }}  | ${[]}
    ${{}}                               | ${{ "sidecar.istio.io/inject": "true" }}  | ${["object"]}
    ${{}}                               | ${{ "istio.io/rev": "default" }}          | ${["rev.object"]}
  `("namespace $namespace, pod $pod: $webhook", ({ namespace, pod, webhook }) => {
    expect(called(namespace, pod)).toEqual(webhook);
  });

  test("is asked once, and just for the pods that it would give a proxy", () => {
    for (const injection of [...none, "enabled", "disabled"])
      for (const namespaceRevision of [...none, "default", "canary"])
        for (const podRevision of [...none, "default", "canary"])
          for (const inject of [...none, "true", "false"]) {
            const namespace = { ...label("istio-injection", injection), ...label("istio.io/rev", namespaceRevision) };
            const labels = { ...label("istio.io/rev", podRevision), ...label("sidecar.istio.io/inject", inject) };
            const pod = viewOf({ metadata: { labels }, spec: { containers: [] } });
            const { reason } = decide(pod, { name: "shop", labels: namespace });
            expect([namespace, labels, called(namespace, labels).length]).toEqual([
              namespace,
              labels,
              reason === undefined ? 1 : 0,
            ]);
          }
  });
});

test("the validator is asked of each kind of ours, and of nothing else", () => {
  const [webhook] = validator()["webhooks"] as readonly {
    rules: readonly { apiGroups: string[]; resources: string[] }[];
  }[];
  expect(webhook?.rules.map(({ apiGroups, resources }) => [...apiGroups, ...resources])).toEqual([
    [
      "networking.istio.io",
      "destinationrules",
      "gateways",
      "serviceentries",
      "sidecars",
      "virtualservices",
      "workloadentries",
    ],
    ["security.istio.io", "peerauthentications"],
    ["telemetry.istio.io", "telemetries"],
    ["extensions.istio.io", "wasmplugins"],
  ]);
});
