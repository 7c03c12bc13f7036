// examples/outfitters/KUBERNETES.md is walked through on a real API server with real kubectl, a test for each section; what its
// prose says beside its commands is measured after them.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Call, call, startLoad, tally } from "../support/http.ts";
import { type Cluster, startCluster } from "../support/kube/cluster.ts";
import { storyImages } from "../support/kube/images.ts";
import { podAges } from "../support/kube/pod-ages.ts";
import { type KubeWalk, walkIn } from "../support/kube/walk.ts";
import type { Step } from "../support/readme.ts";

const shop = "istioinaction";

let cluster: Cluster;
let reader: KubeWalk;
let walk: KubeWalk["walk"];
let type: KubeWalk["type"];
let gateway: Call;
/** What is in the cluster before the first command. */
let before: ReadonlySet<string>;
let ages: string;

beforeAll(async () => {
  cluster = await startCluster({ images: storyImages() });
  before = new Set(await inventory());
  reader = await walkIn(cluster, "examples/outfitters/KUBERNETES.md");
  ({ walk, type } = reader);
  gateway = { ...reader.gateway, path: "/api/catalog" };
});
afterAll(async () => {
  await reader?.close();
  await cluster?.close();
});

/** Every object of the cluster, `Pod shop a`; but for what comes and goes by itself. */
async function inventory(): Promise<readonly string[]> {
  const passing = /^(componentstatuses|endpoints|events|ipaddresses|leases)\b/;
  const names = (await cluster.kubectl("api-resources", "--verbs=list", "-o", "name")).trim().split("\n");
  const kinds = names.filter((name) => !passing.test(name)).join();
  const columns = "custom-columns=KIND:.kind,NAMESPACE:.metadata.namespace,NAME:.metadata.name";
  const rows = await cluster.kubectl("get", kinds, "-A", "--no-headers", "-o", columns);
  return rows
    .trim()
    .split("\n")
    .map((row) => row.replace(/ +/g, " "));
}

/** The share of calls that fail, from 0 to 1. */
async function failures(count: number): Promise<number> {
  let left = count;
  const statuses: number[] = [];
  const connection = async (): Promise<void> => {
    while (left-- > 0) statuses.push((await call(gateway)).status);
  };
  await Promise.all([connection(), connection(), connection(), connection()]);
  const { 200: good = 0, 500: bad = 0 } = tally(statuses, (status) => status);
  expect(good + bad).toBe(count);
  return bad / count;
}

/** What a reader does while typing the next command: lets a push of some ten milliseconds come to its end. */
async function settled({ command = "" }: Step): Promise<void> {
  const { waitFor, kubectl } = cluster;
  if (command.endsWith("gateway.yaml"))
    await waitFor(async () => (await call(gateway)).status === 200, "the gateway to serve");
  if (command.endsWith("catalog-retries.yaml"))
    await waitFor(
      async () => (await type("sluice pc route deploy/webapp -o json")).includes("per_try_timeout"),
      "retries",
    );
  if (command.endsWith("strict.yaml")) {
    const outside = ["exec", "-n", "default", "deploy/outsider", "--", "curl", "-s", `http://catalog.${shop}/items/1`];
    await waitFor(async () => (await kubectl.attempt(outside)).code !== 0, "plaintext to be refused");
  }
}

test("1. Install", async () => {
  await walk.run("1. Install");
});

test("2. Deploy", async () => {
  await walk.run("2. Deploy");
});

test("3. Let the world in", async () => {
  await walk.run("3. Let the world in", settled);
  ages = await podAges(cluster.kubectl, [shop, "istio-system"]);
});

test("4. Look", async () => {
  await walk.run("4. Look");
});

test.each(["deploy/istio-ingressgateway.istio-system", "deploy/webapp.istioinaction"])(
  "all that can be asked of %s is answered",
  async (pod) => {
    for (const what of ["all", "listener", "route", "cluster", "endpoint", "log", "secret", "ecds"]) {
      const printed = await type(`sluice proxy-config ${what} ${pod}`);
      expect(printed.split("\n").length, what).toBeGreaterThan(2);
    }
  },
);

test("5. Break it", async () => {
  await walk.run("5. Break it");
  const share = await failures(500);
  expect(share).toBeGreaterThan(0.4); // 0.51, of which a standard deviation is 0.022
  expect(share).toBeLessThan(0.62);
});

test("6. Heal it", async () => {
  await walk.run("6. Heal it", settled);
  const share = await failures(500);
  expect(share).toBeGreaterThan(0.01); // 0.068, of which a standard deviation is 0.011
  expect(share).toBeLessThan(0.14);
});

test("7. A retry budget", async () => {
  await walk.run("7. A retry budget");
});

test("8. Change it while it serves", async () => {
  const load = startLoad({ ...gateway, connections: 2 });
  await walk.run("8. Change it while it serves");
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status, body }) => `${status} ${body}`)).toEqual({
    "500 error calling Catalog service": replies.length, // the catalog's own failures, and no others
  });
});

test("9. Nothing in the clear", async () => {
  await walk.run("9. Nothing in the clear", settled);
});

test("from the first plugin to the last, no pod was replaced and no container restarted", async () => {
  expect(await podAges(cluster.kubectl, [shop, "istio-system"])).toBe(ages);
});

test("Back to the start leaves no trace", async () => {
  await walk.run("Back to the start");
  const { waitFor, kubectl } = cluster;
  expect(await kubectl("get", "configmaps", "-n", shop, "-o", "name")).toBe("configmap/kube-root-ca.crt\n");
  let rest: readonly string[] = [];
  await waitFor(
    async () => {
      const own = new RegExp(` ${shop}( |$)`);
      rest = (await inventory()).filter((object) => !before.has(object) && !own.test(object));
      return rest.length === 0;
    },
    () => `nothing to be left but the shop; left are\n${rest.join("\n")}`,
  );
});

test("every section has been walked through", () => {
  expect(walk.unseen).toEqual([]);
});
