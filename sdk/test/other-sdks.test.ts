// The host runs what other SDKs made: their WASI, their exports, their way to allocate.
import { describe, expect, test, vi } from "vitest";
import { othersHello } from "../../test/load/bench/modules.ts";
import { Host } from "../host/index.ts";
import { inspectModule } from "../module/inspect.ts";
import "../vitest/index.ts";

vi.setConfig({ testTimeout: 60_000 });

describe.each(othersHello())("hello of $name", (hello) => {
  const load = async () => {
    if ("why" in hello) throw new Error(hello.why);
    return await Host.load(hello.bytes, {
      rootId: "hello",
      workers: 2,
      logLevel: "debug",
      failurePolicy: "FAIL_RELOAD",
    });
  };
  const missing = "why" in hello ? hello.why : false;

  test.skipIf(missing)("adds its header to requests and responses, on all workers", async () => {
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

  test.skipIf(missing)("is in the same memory after ten thousand requests", async () => {
    const host = await load();
    const many = (count: number) =>
      host.measure(() => {
        for (let i = 0; i < count; i++) host.fetch();
      }).memoryBytes;
    expect(many(10_000)).toBe(many(1000));
  });

  test.skipIf(missing)("comes back after a trap, and is swapped", async () => {
    const host = await load();
    host.faults.trap("proxy_on_request_headers", { times: 1 });
    expect(host.fetch()).toHaveLocalReply({ status: 503, details: "wasm_fail_stream" });
    host.advance("1s");
    expect(host.fetch()).toHaveHeader("x-hello");
    if (!("why" in hello)) await host.replace(hello.bytes, { rootId: "hello", vmConfig: "other" });
    expect(host.fetch()).toHaveHeader("x-hello");
  });

  test.skipIf(missing)("can be inspected", () => {
    const inspection = "why" in hello ? undefined : inspectModule(hello.bytes);
    expect(inspection).toMatchObject({ problems: [] });
    expect(inspection?.manifest).toBeUndefined();
  });
});
