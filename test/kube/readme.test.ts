import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { storyImages } from "../support/kube/images.ts";
import { type KubeWalk, walkIn } from "../support/kube/walk.ts";

let cluster: Cluster;
let reader: KubeWalk;

beforeAll(async () => {
  cluster = await startCluster({ images: storyImages() });
  reader = await walkIn(cluster, "README.md");
});
afterAll(async () => {
  await reader?.close();
  await cluster?.close();
});

test("what the project's README does on Kubernetes is run as it is read", async () => {
  await reader.walk.run("On Kubernetes");
  expect(reader.walk.unseen).toEqual(["See it run"]);
});
