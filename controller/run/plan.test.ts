import { expect, test } from "vitest";
import { problemText } from "../model/problem.ts";
import { gatewayPlan, planOf, podLabel } from "./plan.ts";
import { container, deployment } from "./test-support/objects.ts";

test("a replica is named after its Deployment, its template and its number", () => {
  const [pod] = planOf([deployment("web")]).pods;
  expect(pod?.name).toMatch(/^web-[b-z2-9]{10}-[b-z2-9]{5}$/);
  expect(pod).toMatchObject({ namespace: "shop", workload: "web", serviceAccount: "web", type: "sidecar" });
  const [, template, replica] = pod?.name.split("-") ?? [];
  expect(pod?.labels).toEqual({
    app: "web",
    "pod-template-hash": template,
    [podLabel]: `${template}-${replica}`,
    "security.istio.io/tlsMode": "istio",
  });
  expect(planOf([deployment("web")]).pods).toEqual([pod]);
});

test("another scale keeps the pods that were there, another template replaces them", () => {
  const names = (deployments: Parameters<typeof planOf>[0]) => planOf(deployments).pods.map(({ name }) => name);
  const [one] = names([deployment("web")]);
  const three = names([deployment("web", { replicas: 3 })]);
  expect(new Set(three).size).toBe(3);
  expect(three[0]).toBe(one);
  expect(names([deployment("web", { labels: { app: "web", version: "v2" } })])).not.toContain(one);
  expect(names([deployment("web", { replicas: 0 })])).toEqual([]);
});

test("a Deployment without a command is left out, and the others run", () => {
  const image = container({ command: [], image: "nginx:1" });
  const { pods, problems } = planOf([
    deployment("b", { containers: [container(), image] }),
    deployment("c", { containers: [] }),
    deployment("a"),
  ]);
  expect(pods.map(({ workload }) => workload)).toEqual(["a"]);
  expect(problems.map(problemText)).toEqual([
    'Deployment shop/b: spec.template.spec.containers[1].command is missing: `sluice up` starts commands, not images (nginx:1); write what the image would run, command: ["node", "main.ts"]',
    "Deployment shop/c: spec.template.spec.containers is empty: nothing can be started",
  ]);
});

test("the gateway's pod carries the labels that Gateways select", () => {
  expect(gatewayPlan("istio-system")).toMatchObject({
    type: "router",
    namespace: "istio-system",
    workload: "istio-ingressgateway",
    labels: { istio: "ingressgateway" },
  });
});
