import { expect, test } from "vitest";
import { viewOf } from "./pod.ts";
import { ownerOf, ownerUrl } from "./workload.ts";

test.each`
  generateName  | label                           | controller                      | owner
  ${"cart-5d-"} | ${"pod-template-hash"}          | ${"apps/v1 ReplicaSet cart-5d"} | ${"apis/apps/v1/namespaces/shop/deployments/cart"}
  ${"cart-5d-"} | ${"other"}                      | ${"apps/v1 ReplicaSet cart-5d"} | ${"apis/apps/v1/namespaces/shop/replicasets/cart-5d"}
  ${"cart-5d-"} | ${"rollouts-pod-template-hash"} | ${"apps/v1 ReplicaSet cart-5d"} | ${"apis/v1alpha1/namespaces/shop/rollouts/cart"}
  ${"db-"}      | ${"other"}                      | ${"apps/v1 StatefulSet db"}     | ${"apis/apps/v1/namespaces/shop/statefulsets/db"}
  ${"job-x-"}   | ${"other"}                      | ${"batch/v1 Job job-x"}         | ${"apis/batch/v1/namespaces/shop/jobs/job-x"}
  ${"job-"}     | ${"other"}                      | ${"batch/v1 Job job-29301120"}  | ${"apis/batch/v1/namespaces/shop/cronjobs/job"}
  ${""}         | ${"pod-template-hash"}          | ${"apps/v1 ReplicaSet cart-5d"} | ${"apis/v1/namespaces/shop/pods/mine"}
  ${"made-"}    | ${"other"}                      | ${undefined}                    | ${"apis/v1/namespaces/shop/pods/made"}
`("generated $generateName, of $controller with $label=5d: $owner", ({ generateName, label, controller, owner }) => {
  const [apiVersion, kind, name] = String(controller).split(" ");
  const ownerReferences = [
    { apiVersion: "v1", kind: "ConfigMap", name: "mere-owner" },
    ...(controller === undefined ? [] : [{ apiVersion, kind, name, controller: true }]),
  ];
  const named = generateName === "" ? { name: "mine" } : { generateName };
  const view = viewOf({ metadata: { ...named, labels: { [label]: "5d" }, ownerReferences } });
  expect(ownerUrl(ownerOf(view), "shop")).toBe(`kubernetes://${owner}`);
});
