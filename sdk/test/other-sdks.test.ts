// The host runs what other SDKs made: their WASI, their exports, their way to allocate. Gcore's is in testdata, named by the
// digest of its sources, test/load/bench/hello/gcore: whoever changes these runs `npm run bench:sdk`, which builds them into the
// tool cache, and takes it from there. The others run where that has built them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { say } from "../../setup/cache.mjs";
import { cachedHello, helloKey } from "../../test/load/bench/modules.ts";
import { Host } from "../host/index.ts";
import { inspectModule } from "../module/inspect.ts";
import "../vitest/index.ts";

vi.setConfig({ testTimeout: 60_000 });

const gcore = new Uint8Array(readFileSync(join(import.meta.dirname, "testdata", `${helloKey("gcore")}.wasm`)));
const cached = cachedHello();
const others = cached.filter(({ name }) => ["Rust", "Go"].includes(name));
const builtGcore = cached.find(({ name }) => name.startsWith("Gcore"));
if (others.length < 2) say("not all of Rust's and Go's hello are tested: `npm run bench:sdk` builds them");

test.skipIf(builtGcore === undefined)("Gcore's hello is what its sources are compiled to", () => {
  expect(gcore.length).toBe(builtGcore?.bytes.length);
  expect(gcore).toEqual(builtGcore?.bytes);
});

describe.each([{ name: "Gcore", bytes: gcore }, ...others])("hello of $name", ({ bytes }) => {
  const load = () =>
    Host.load(bytes, {
      rootId: "hello",
      workers: 2,
      logLevel: "debug",
      failurePolicy: "FAIL_RELOAD",
    });

  test("adds its header to requests and responses, on all workers", async () => {
    const host = await load();
    for (const worker of [0, 1, 1]) {
      const reply = host.fetch(
        { headers: { "x-hello": "there" } },
        (attempt) => {
          expect(attempt.headers.getAll("x-hello")).toEqual(["there", "from sluice"]);
          return { status: 201 };
        },
        { worker },
      );
      expect(reply).toMatchObject({ status: 201, details: "via_upstream" });
      expect(reply).toHaveHeader("x-hello", "from sluice");
    }
    expect(host).not.toHaveLogged("error", "Uncaught");
  });

  test("is in the same memory after ten thousand requests", async () => {
    const host = await load();
    const many = (count: number) =>
      host.measure(() => {
        for (let i = 0; i < count; i++) host.fetch();
      }).memoryBytes;
    expect(many(10_000)).toBe(many(1000));
  });

  test("comes back after a trap, and is swapped", async () => {
    const host = await load();
    host.faults.trap("proxy_on_request_headers", { times: 1 });
    expect(host.fetch()).toHaveLocalReply({ status: 503, details: "wasm_fail_stream" });
    host.advance("1s");
    expect(host.fetch()).toHaveHeader("x-hello");
    await host.replace(bytes, { rootId: "hello", vmConfig: "other" });
    expect(host.fetch()).toHaveHeader("x-hello");
  });

  test("can be inspected", () => {
    const inspection = inspectModule(bytes);
    expect(inspection).toMatchObject({ problems: [] });
    expect(inspection.manifest).toBeUndefined();
  });
});
