import { afterAll, beforeAll, expect, test } from "vitest";
import { call, startLoad, tally } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { markModule } from "../support/modules.ts";
import { gatewayTo, wasmPlugin, workload } from "../support/yaml.ts";

let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh({
    "catalog.yaml": workload("catalog"),
    "webapp.yaml": workload("webapp"),
    "gateway.yaml": gatewayTo("catalog"),
    "mark.yaml": wasmPlugin({ name: "mark", url: await markModule("a"), config: { mark: "1" } }),
  });
});
afterAll(() => mesh?.stop());

/** How many answers of each kind webapp's sidecar has accepted. */
async function accepted(): Promise<{ readonly CDS: number; readonly LDS: number; readonly ECDS: number }> {
  return {
    CDS: await mesh.stat("webapp", "cluster_manager.cds.update_success"),
    LDS: await mesh.stat("webapp", "listener_manager.lds.update_success"),
    ECDS: await mesh.stat("webapp", "extension_config_discovery.http_filter.outbound/unspecified.update_success"),
  };
}

test("the controller is killed and comes back under load: no request fails, nothing is sent again", async () => {
  const gateway = await mesh.gateway();
  await mesh.waitFor(async () => (await call(gateway)).status === 200, "the gateway to serve");
  await mesh.waitFor(async () => (await call(gateway)).headers["x-mark"] === "a1", "the plugin to be live");
  const before = await accepted();
  const killed = (await mesh.run()).controllerPid;
  const load = startLoad({ ...gateway, connections: 4 });
  process.kill(killed ?? 0, "SIGKILL");
  await mesh.waitFor(
    async () => {
      const sync = JSON.parse(await mesh.monitoring("/debug/syncz")) as readonly unknown[];
      return (await mesh.run()).controllerPid !== killed && sync.length === (await mesh.run()).pods.length;
    },
    "all proxies to be connected to the new controller",
    { deadlineMs: 50_000 },
  );
  await mesh.apply("late.yaml", workload("late"));
  await mesh.waitFor(async () => (await mesh.admin("webapp", "/clusters")).includes("late.shop"), "a change to arrive");
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, ({ status }) => status)).toEqual({ 200: replies.length });
  // What comes on a stream comes in order: had anything been sent again, it would have arrived before this change.
  expect(await accepted()).toEqual({ ...before, CDS: before.CDS + 1 });
  expect(new Set(replies.map(({ headers }) => headers["x-mark"]))).toEqual(new Set(["a1"]));
});
