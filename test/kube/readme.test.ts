import { afterAll, beforeAll, expect, test } from "vitest";
import { call } from "../support/http.ts";
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
  const page = { ...reader.gateway, path: "/api/catalog" };
  await reader.walk.run("On Kubernetes", async ({ command = "" }) => {
    // what a reader does while typing the next command: lets a push of some ten milliseconds come to its end
    if (command.includes("rollout status"))
      await cluster.waitFor(async () => (await call(page)).status === 200, "the shop to answer");
  });
  expect(reader.walk.unseen).toEqual(["See it run"]);
});
