// Whatever the host answers, the SDK goes on: each hostcall with each status, on the ways through a filter that makes all of them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import * as Status from "../abi/status.ts";
import { ConfigRefused, type Fault, type Faults, Host } from "../host/index.ts";
import { inspectModule } from "../module/inspect.ts";
import { connect, visit, visits } from "./everything.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Something to do with a host, such as a request. */
interface Way {
  readonly rootId?: string;
  run(host: Host): void | Promise<void>;
}

const module = await sourceModule("sdk/assembly/testing/everything.ts");
const hostcalls = inspectModule(module)
  .imports.map(({ name }) => name)
  .filter((name) => name !== "proc_exit");
const statuses = Object.entries(Status).filter(([, status]) => status !== Status.Ok);
const environment = { HOME: "/home", OTHER: "x" };
/** Ways that lead to a hostcall, by its name. */
const waysTo = new Map<string, Way[]>();

let loads = 0;
const ways: readonly Way[] = [
  ...visits.map((one) => ({ run: (host: Host) => visit(host, one) })),
  { rootId: "network", run: (host) => connect(host, ["a", "hold", "b", "close"]) },
  { run: reload },
];

async function reload(host: Host): Promise<void> {
  loads += 1;
  await host
    .replace(module, { upstream: true, vmConfig: `${loads}`, environment, config: { level: 2 } })
    .catch((error) => {
      if (!(error instanceof ConfigRefused)) throw error;
    });
}

async function load({ rootId = "" }: Way): Promise<Host> {
  return await Host.load(module, { rootId, upstream: rootId === "", vmConfig: "0", environment, logLevel: "debug" });
}

const traps = (host: Host) => host.logs.map(({ text }) => text).filter((text) => text.includes("failed: Uncaught"));

beforeAll(async () => {
  for (const way of ways) {
    const host = await load(way);
    host.hostcalls.reset();
    await way.run(host);
    expect(traps(host)).toEqual([]);
    for (const name of Object.keys(host.hostcalls.byName)) waysTo.set(name, [...(waysTo.get(name) ?? []), way]);
  }
});

test("the filter makes every hostcall that the SDK has", () => {
  const declared = readFileSync(join(import.meta.dirname, "../assembly/env.ts"), "utf8").matchAll(/function (\w+)/g);
  expect(hostcalls).toEqual(expect.arrayContaining([...declared].map(([, name]) => name)));
});

/** Goes a way again and again while ever other things go wrong, and expects that they did, and that no VM died of it. */
async function expectNoTrap(way: Way, plans: readonly ((faults: Faults) => Fault)[]): Promise<void> {
  const host = await load(way);
  let count = 0;
  for (const plan of plans) {
    const fault = plan(host.faults);
    await way.run(host);
    fault.end();
    expect(traps(host)).toEqual([]);
    count += fault.count;
  }
  expect(count).toBeGreaterThan(0);
}

test.each(hostcalls)("no status of %s is a trap", async (hostcall) => {
  const reaching = waysTo.get(hostcall) ?? [];
  const some = new Set([reaching[0], reaching[reaching.length >> 1]]);
  const plans = statuses.flatMap(([, status]) =>
    [{}, { times: 1 }].map((options) => (faults: Faults) => faults.fail(hostcall, status, options)),
  );
  for (const way of some) if (way !== undefined) await expectNoTrap(way, plans);
  expect(some).not.toContain(undefined);
});

test("no value of the host is a trap for which there is no memory", async () => {
  const plans = Array.from(
    { length: 60 },
    (_, after) => (faults: Faults) => faults.failAllocation({ after, times: 3 }),
  );
  for (const way of ways.slice(0, -1)) await expectNoTrap(way, way === ways[0] ? plans : plans.slice(0, 2));
});

test("a configuration that can't be read is refused, and without a level every line is logged", async () => {
  const host = await load({ run: () => {} });
  const lines = host.logs.length;
  host.faults.fail("proxy_get_log_level", Status.InternalFailure);
  visit(host, { path: "/", headers: {}, chunks: [], answer: "never" });
  expect(host.logs.slice(lines).map(({ level }) => level)).toContain("debug");
  host.faults.fail("proxy_get_buffer_bytes", Status.InternalFailure);
  await expect(host.replace(module, { config: { level: 1 } })).rejects.toThrow(
    'proxy_on_configure of root_id "" returned false',
  );
});
