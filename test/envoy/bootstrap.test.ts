import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bootstrap } from "../../controller/inject/bootstrap.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { proxy } from "../../controller/translate/test-support/model.ts";
import { locateEnvoy } from "../../setup/envoy.mjs";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { call } from "../support/http.ts";
import { until } from "../support/wait.ts";

// The bootstrap's static listeners open only after the first configuration from a control plane. So one Envoy is asked
// about, and another has the listeners.

let asked: TestEnvoy;
let front: TestEnvoy;
let ports: { prometheus: number; ready: number; admin: number };

function config(adminSocket: string, heapBytesMax?: number): Readonly<Record<string, unknown>> {
  const at = (port: number) => ({ address: "127.0.0.1", port });
  return bootstrap({
    proxy: proxy(),
    settings: defaultSettings,
    xds: at(15010),
    ...{ adminSocket, heapBytesMax },
    listen: { prometheus: at(ports.prometheus), ready: at(ports.ready), admin: at(ports.admin) },
  });
}

beforeAll(async () => {
  ports = { prometheus: await freePort(), ready: await freePort(), admin: await freePort() };
  asked = await startEnvoy({});
  front = await startEnvoy({ static_resources: config(asked.adminSocket)["static_resources"] });
  await Promise.all([asked.live(), front.live()]);
});

afterAll(async () => {
  await front?.stop();
  await asked?.stop();
});

test("Envoy takes all of it", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sluice-"));
  const file = join(dir, "bootstrap.json");
  await writeFile(file, JSON.stringify(config(join(dir, "admin"))));
  const { status, stderr } = spawnSync(
    locateEnvoy().path,
    ["--mode", "validate", "-c", file, "--disable-hot-restart"],
    {
      encoding: "utf8",
    },
  );
  await rm(dir, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.not.stringMatching(/\[(warning|error|critical)\]/) });
});

test.each`
  listener        | method    | path                       | status
  ${"admin"}      | ${"GET"}  | ${"/config_dump"}          | ${200}
  ${"admin"}      | ${"GET"}  | ${"/clusters?format=json"} | ${200}
  ${"admin"}      | ${"GET"}  | ${"/stats?usedonly"}       | ${200}
  ${"admin"}      | ${"GET"}  | ${"/certs"}                | ${200}
  ${"admin"}      | ${"GET"}  | ${"/server_info"}          | ${200}
  ${"admin"}      | ${"POST"} | ${"/logging?wasm=info"}    | ${200}
  ${"admin"}      | ${"GET"}  | ${"/"}                     | ${404}
  ${"admin"}      | ${"GET"}  | ${"/memory"}               | ${404}
  ${"admin"}      | ${"POST"} | ${"/quitquitquit"}         | ${404}
  ${"admin"}      | ${"POST"} | ${"/drain_listeners"}      | ${404}
  ${"admin"}      | ${"POST"} | ${"/config_dump"}          | ${404}
  ${"prometheus"} | ${"GET"}  | ${"/stats/prometheus"}     | ${200}
  ${"prometheus"} | ${"GET"}  | ${"/config_dump"}          | ${404}
  ${"prometheus"} | ${"POST"} | ${"/stats/prometheus"}     | ${404}
  ${"ready"}      | ${"GET"}  | ${"/healthz/ready"}        | ${200}
  ${"ready"}      | ${"GET"}  | ${"/quitquitquit"}         | ${404}
`("$method $path on the $listener port: $status", async ({ listener, method, path, status }) => {
  const port = ports[listener as keyof typeof ports];
  expect((await call({ host: "127.0.0.1", port, method, path })).status).toBe(status);
});

test.each`
  heap          | heapBytesMax | refuses
  ${"is full"}  | ${1 << 20}   | ${1}
  ${"has room"} | ${1 << 27}   | ${0}
`("requests are refused where the heap $heap: $refuses", async ({ heapBytesMax, refuses }) => {
  const envoy = await startEnvoy({ overload_manager: config("", heapBytesMax)["overload_manager"] });
  const stat = (name: string) => envoy.stat(`overload.envoy.${name}`);
  await until(async () => (await stat("resource_monitors.fixed_heap.pressure")) > 0, "the heap to be looked at");
  expect(await stat("overload_actions.stop_accepting_requests.active")).toBe(refuses);
  await envoy.stop();
});
