// Queues between plugins.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/queues.ts");
});

test("items go to the plugin and thread that registered last, whichever thread brings them", async () => {
  const worker = await Host.load(module, { vmId: "worker", config: {}, workers: 2 });
  const asker = await Host.load(module, { vmId: "asker", beside: worker, workers: 2 });
  expect(worker.logs.map(({ text }) => text)).toEqual(new Array(4).fill("registered true true"));
  const before = worker.logs.length;
  expect(asker.fetch({}, undefined, { worker: 0 }).body).toBe("0 0 0 1");
  const heard = worker.logs.slice(before).map(({ thread, text }) => `${thread} ${text}`);
  expect(heard).toEqual(["1 took 0,255 and é", "1 took  and none", "1 took none and none"]);
});

test("a queue ends with the last VM of its vm_id, unless its plugin is only replaced", async () => {
  const worker = await Host.load(module, { vmId: "worker", config: {} });
  const asker = await Host.load(module, { vmId: "asker", beside: worker });
  await worker.replace(module, { vmId: "worker", config: { second: 1 } });
  expect(asker.fetch().status).toBe(200);
  await worker.replace(module, { vmId: "other", config: {} });
  expect(asker.fetch().status).toBe(404);
});
