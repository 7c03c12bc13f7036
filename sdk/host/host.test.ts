// Several VMs in one process: workers, ticks, traps, swaps.
import { beforeAll, describe, expect, test } from "vitest";
import { filterModule } from "../../test/support/filter-module.ts";
import * as Status from "../abi/status.ts";
import { Host, type HostOptions } from "./index.ts";
import { compilePuppet } from "./testdata/compile.ts";

let puppet: Uint8Array;
let filter: Uint8Array;
beforeAll(async () => {
  filter = await filterModule("retry-budget");
  puppet = await compilePuppet();
}, 60_000);

async function load(script: readonly string[], options: HostOptions = {}): Promise<Host> {
  return await Host.load(puppet, { vmId: "v", config: script.join("\n"), ...options });
}

/** What was logged since the last call, as `thread text`. */
function listener(host: Host): () => string[] {
  let seen = host.logs.length;
  return () => {
    const lines = host.logs.slice(seen).map(({ thread, text }) => `${thread} ${text}`);
    seen = host.logs.length;
    return lines;
  };
}

describe("workers", () => {
  test("share data and metrics, not memory", async () => {
    const host = await load(["R: read k; write k a 0; define 0 requests; increment 4 1"], { workers: 2 });
    const heard = listener(host);
    host.fetch({}, undefined, { worker: 0 });
    host.fetch({}, undefined, { worker: 1 });
    expect(heard().filter((line) => line.includes("read"))).toEqual(["0 R read k -> 1", "1 R read k -> 0 a cas 1"]);
    expect(host.metrics.counter("requests")).toBe(2);
    expect(Buffer.from(host.shared.get("k") ?? []).toString()).toBe("a");
    expect(host.shared.keys()).toEqual(["k"]);
  });

  test("there must be one of that number", async () => {
    const host = await load([]);
    expect(() => host.fetch({}, undefined, { worker: 1 })).toThrow("there is no worker 1; workers: 1");
  });
});

describe("time", () => {
  test("ticks come in the main thread, too, until the period is 0", async () => {
    const host = await load(["C: tick 100", "T: clock 1"], { workers: 2 });
    const heard = listener(host);
    host.advance("250ms");
    expect(heard()).toEqual([
      "main T clock 1 -> 0 1000100000000",
      "0 T clock 1 -> 0 1000100000000",
      "1 T clock 1 -> 0 1000100000000",
      "main T clock 1 -> 0 1000200000000",
      "0 T clock 1 -> 0 1000200000000",
      "1 T clock 1 -> 0 1000200000000",
    ]);
    const stopping = await load(["C: tick 100", "T: tick 0"]);
    const heardStopping = listener(stopping);
    stopping.advance("10s");
    expect(heardStopping()).toEqual(["main T tick 0 -> 0", "0 T tick 0 -> 0"]);
  });

  test("the wall clock begins where it is told, and moves with the other", async () => {
    const host = await load(["R: clock 0"], { now: "2026-02-03T04:05:06Z" });
    host.advance("1.5s");
    host.fetch();
    expect(host.logs.at(-1)?.text).toBe(`R clock 0 -> 0 ${Date.UTC(2026, 1, 3, 4, 5, 7, 500)}000000`);
  });

  test("a tick answers a request whose body is open or whose upstream is slow", async () => {
    const script = ["C: tick 50", "T: effective last; local 504 deadline late", "A: get 2 :status"];
    const host = await load(script);
    const open = host.stream({ endStream: false });
    host.advance("50ms");
    expect(open.reply).toMatchObject({ status: 504, body: "late", details: "deadline", isCut: false });
    const slow = host.fetch({}, () => ({ status: 200, after: "1s" }));
    expect(slow).toMatchObject({ status: 504, durationMs: 50 });
    const held = await load(["C: tick 50", "R: return 1", "T: effective last; continue 0"]);
    expect(() => held.fetch()).toThrow("GET / is held by the filter");
    const stream = held.stream();
    expect(stream.isHeld).toBe(true);
    held.advance("50ms");
    expect(stream.serve(() => ({ status: 201 })).status).toBe(201);
  });

  test("after response headers a tick can only cut the stream", async () => {
    const host = await load(["C: tick 50", "T: effective last; local 504 deadline late"]);
    const stream = host.stream();
    stream.attempt()?.respond({ status: 200, body: "half", endStream: false });
    host.advance("50ms");
    expect(stream.reply).toMatchObject({ status: 200, body: "half", details: "deadline", isCut: true });
  });

  test("a filter closes a stream", async () => {
    const host = await load(["R: close 0; return 1"]);
    const stream = host.stream();
    expect(stream.reply).toMatchObject({ status: 0, isCut: true, details: "wasm_close_stream" });
  });
});

describe("a trap", () => {
  const trapping = ["R: trap", "A: here", "L: here", "D: here"];

  test("gives 503 to its request without log and done, and to every later one under FAIL_CLOSED", async () => {
    const host = await load(trapping);
    const heard = listener(host);
    expect(host.fetch()).toMatchObject({ status: 503, body: "", details: "wasm_fail_stream" });
    expect(heard()).toEqual([
      expect.stringContaining("0 Function: proxy_on_request_headers failed: Uncaught RuntimeError"),
    ]);
    host.advance("1h");
    expect(host.fetch().status).toBe(503);
    expect(heard()).toEqual([]);
  });

  test("leaves other workers alone", async () => {
    const host = await load(["R: trapif 0 x-trap"], { workers: 2 });
    expect(host.fetch({ headers: { "x-trap": "1" } }).status).toBe(503);
    expect(host.fetch({}, undefined, { worker: 0 }).status).toBe(503);
    expect(host.fetch({}, undefined, { worker: 1 }).status).toBe(200);
  });

  test("fails the other streams of its VM at their next callback", async () => {
    const host = await load(["T: trap", "C: tick 50", "A: here"]);
    const stream = host.stream();
    host.advance("50ms");
    stream.attempt()?.respond({ status: 200 });
    expect(stream.reply).toMatchObject({ status: 503, details: "wasm_fail_stream" });
  });

  test("FAIL_RELOAD: a new VM, once the back-off since the last load is over", async () => {
    const host = await load(["C: here", "R: trap"], { failurePolicy: "FAIL_RELOAD", reloadBackOff: "1s" });
    const heard = listener(host);
    const loads = () => heard().filter((line) => line.includes("C here")).length;
    host.fetch();
    host.fetch();
    expect(loads()).toBe(0);
    host.advance("999ms");
    host.fetch();
    expect(loads()).toBe(0);
    host.advance("1ms");
    host.fetch();
    expect(loads()).toBe(1);
    host.advance("1s");
    host.fetch();
    expect(loads()).toBe(1);
  });

  test("FAIL_RELOAD: both halves come back, each when it is needed", async () => {
    const script = ["C: here", "uC: here", "uR: trapif 0 x-trap", "A: here"];
    const host = await load(script, { upstream: true, failurePolicy: "FAIL_RELOAD" });
    host.advance("1s");
    expect(host.fetch({ headers: { "x-trap": "1" } }).status).toBe(503);
    const heard = listener(host);
    expect(host.fetch().status).toBe(200);
    expect(heard()).toEqual(["0 C here -> ", "0 uC here -> ", "0 uR trapif 0 x-trap -> ", "0 A here -> "]);
  });

  test("FAIL_OPEN: the request that trapped fails, later ones pass without the filter", async () => {
    const host = await load(trapping, { failurePolicy: "FAIL_OPEN" });
    expect(host.fetch().status).toBe(503);
    expect(host.fetch().status).toBe(200);
  });

  test("in the upstream half ends the request without a retry", async () => {
    const host = await load(["uR: trap"], { upstream: true });
    expect(host.fetch({}, undefined, { route: { retryOn: "5xx" } })).toMatchObject({ status: 503, attempts: 1 });
  });
});

describe("a swap", () => {
  test("keeps shared data under the same vm_id and loses it under another", async () => {
    const host = await load(["R: write k a 0"]);
    host.fetch();
    await host.replace(puppet, { vmId: "v", config: "R: read k" });
    host.fetch();
    expect(host.logs.at(-1)?.text).toBe("R read k -> 0 a cas 1");
    await host.replace(puppet, { vmId: "w", config: "R: read k" });
    await host.replace(puppet, { vmId: "v", config: "R: read k" });
    host.fetch();
    expect(host.logs.at(-1)?.text).toBe("R read k -> 1");
  });

  test("loses the metrics that no new VM has defined, unless the VMs stay", async () => {
    const host = await load(["R: define 0 requests; increment 4 1"]);
    host.fetch();
    await host.replace(puppet, { vmId: "v", config: "C: here" });
    expect(host.metrics.counter("requests")).toBe(1);
    const stream = host.stream();
    await host.replace(puppet, { vmId: "v", config: "C: define 0 other", environment: { A: "b" } });
    expect(host.metrics.names).toEqual(["other", "requests"]);
    stream.serve(() => ({ status: 200 }));
    expect(host.metrics.names).toEqual(["other"]);
  });

  test("leaves running requests to the old VM, which ends with the last of them", async () => {
    const host = await load(["A: here", "D: here", "C: tick 50", "T: here"]);
    const stream = host.stream();
    const heard = listener(host);
    await host.replace(puppet, { vmId: "v", config: "A: get 2 :status" });
    expect(heard()).toEqual(["main D here -> "]);
    host.advance("50ms");
    expect(heard()).toEqual(["0 T here -> "]);
    stream.serve(() => ({ status: 200 }));
    expect(heard()).toEqual(["0 A here -> ", "0 D here -> ", "0 D here -> "]);
    host.advance("10s");
    host.fetch();
    expect(heard()).toEqual(["0 A get 2 :status -> 0 200"]);
  });

  test("of the configuration alone keeps the VMs; the old root ends in them", async () => {
    const host = await load(["D: here"]);
    const heard = listener(host);
    await host.replace(puppet, { vmId: "v", config: "C: here" });
    expect(heard()).toEqual([
      "canary C here -> ",
      "main C here -> ",
      "0 C here -> ",
      "0 D here -> ",
      "main D here -> ",
    ]);
    await host.replace(puppet, {
      vmId: "v",
      config: "C: effective 1; effective 2; effective 3",
      environment: { A: "b" },
    });
    expect(heard().filter((line) => line.startsWith("main"))).toEqual([
      "main C effective 1 -> 0",
      "main C effective 2 -> 2",
      "main C effective 3 -> 2",
    ]);
    await host.replace(puppet, { vmId: "v", config: "C: effective 2", environment: { A: "b" } });
    expect(heard().filter((line) => line.startsWith("main"))).toEqual(["main C effective 2 -> 0"]);
  });

  test("a refused one changes nothing", async () => {
    const host = await load(["R: local 418 x tea"]);
    await expect(host.replace(puppet, { vmId: "v", config: "C: return 0" })).rejects.toThrow("returned false");
    expect(host.fetch().status).toBe(418);
  });
});

test("hostcalls are counted until reset", async () => {
  const host = await load(["R: get 0 :path; get 0 x"]);
  host.hostcalls.reset();
  host.fetch();
  expect(host.hostcalls.byName).toEqual({ proxy_get_header_map_value: 2, proxy_log: 2 });
  expect(host.hostcalls.total).toBe(4);
  host.hostcalls.reset();
  expect(host.hostcalls.total).toBe(0);
});

test("hostcalls are traced on demand: what they were given, and what they answered", async () => {
  const host = await load(["R: get 0 :path; get 0 x"]);
  host.hostcalls.reset();
  host.faults.trap("proxy_log", { after: 1 });
  const calls = host.hostcalls.trace(() => host.fetch());
  expect(calls).toEqual([
    { name: "proxy_get_header_map_value", args: [0, ":path"], status: Status.Ok },
    { name: "proxy_log", args: [2, expect.stringContaining("/")], status: Status.Ok },
    { name: "proxy_get_header_map_value", args: [0, "x"], status: Status.NotFound },
    { name: "proxy_log", args: [2, expect.any(String)], status: undefined },
  ]);
  expect(host.hostcalls.total).toBe(4);
  expect(host.hostcalls.trace(() => {})).toEqual([]);
});

test("header values of any bytes go through unchanged", async () => {
  const host = await load(["R: get 0 x-raw; replace 0 x-raw é"]);
  const raw = new Uint8Array([0x80, 0xff, 0x41]);
  const reply = host.fetch({ headers: { "x-raw": raw } }, ({ headers }) => ({
    status: 200,
    headers: { "x-seen": headers.bytes("x-raw") ?? "" },
  }));
  expect(host.logs.at(-2)?.text).toBe("R get 0 x-raw -> 0 \\80\\ffA");
  expect(reply.headers.get("x-seen")).toBe("é");
});

test("TLS of the downstream connection is seen where there is any", async () => {
  const script = [
    "R: property connection|uri_san_peer_certificate; property connection|mtls; property connection|tls_version",
  ];
  const host = await load(script);
  const heard = listener(host);
  host.fetch();
  host.fetch({}, undefined, { connection: { tls: { uriSanPeer: "spiffe://td/ns/shop/sa/web" } } });
  expect(heard().map((line) => line.replace(/.* -> /, ""))).toEqual([
    "1",
    "0 \\00",
    "1",
    "0 spiffe://td/ns/shop/sa/web",
    "0 \\01",
    "0 TLSv1.3",
  ]);
});

test("metadata of route, cluster and endpoint is read by path, numbers as doubles", async () => {
  const host = await load(
    [
      "R: property xds|route_metadata|filter_metadata|dev.sluice|timeoutMs; property xds|cluster_metadata|filter_metadata|istio|services|0|name",
      "A: property xds|upstream_host_metadata|filter_metadata|istio|workload; property xds|cluster_name; property xds|listener_direction",
    ],
    { listener: { direction: "inbound" } },
  );
  const heard = listener(host);
  host.fetch({}, undefined, {
    route: { metadata: { "dev.sluice": { timeoutMs: 1 } } },
    cluster: {
      name: "outbound|80||catalog",
      metadata: { istio: { services: [{ name: "catalog" }] } },
      endpoints: [{ address: "10.0.0.1:80", metadata: { istio: { workload: "catalog-v1" } } }],
    },
  });
  expect(heard().map((line) => line.replace(/.* -> /, ""))).toEqual([
    "0 \\00\\00\\00\\00\\00\\00\\f0?",
    "0 catalog",
    "0 catalog-v1",
    "0 outbound|80||catalog",
    "0 \\01\\00\\00\\00\\00\\00\\00\\00",
  ]);
});

describe("faults", () => {
  test("a hostcall answers what it is told to, as often as it is told to", async () => {
    const host = await load(["R: read k"]);
    const heard = listener(host);
    const fault = host.faults.fail("proxy_get_shared_data", Status.InternalFailure, { after: 1, times: 2 });
    for (let i = 0; i < 4; i++) host.fetch();
    expect(heard()).toEqual([1, 10, 10, 1].map((status) => `0 R read k -> ${status}`));
    expect(fault.count).toBe(2);
    host.faults.fail("proxy_get_shared_data", Status.BadArgument).end();
    host.fetch();
    expect(heard()).toEqual(["0 R read k -> 1"]);
  });

  test("the module has no memory for a value of the host", async () => {
    const host = await load(["R: write k a 0; read k"]);
    const heard = listener(host);
    host.faults.failAllocation({ times: 1 });
    host.fetch();
    expect(heard().at(-1)).toBe(`0 R read k -> ${Status.InvalidMemoryAccess}`);
  });

  test.each(["proxy_on_request_headers", "proxy_log", "malloc"])("a trap in %s is as any other", async (place) => {
    const host = await load(["R: write k a 0; read k", "D: here"], { failurePolicy: "FAIL_RELOAD" });
    host.faults.trap(place, { times: 1 });
    expect(host.fetch()).toMatchObject({ status: 503, details: "wasm_fail_stream" });
    expect(host.logs.map(({ text }) => text).join("\n")).toMatch(
      /Function: \w+ failed: Uncaught RuntimeError: unreachable/,
    );
    host.advance("1s");
    expect(host.fetch().status).toBe(200);
  });

  test("where a plugin is refused by a thread, not the canary, streams pass without it", async () => {
    const host = await load([]);
    host.faults.fail("proxy_get_buffer_bytes", Status.InternalFailure, { after: 1 });
    await host.replace(filter, { config: { percent: 1 } });
    expect(host.logs.at(-1)?.text).toBe("Wasm VM failed Failed to configure thread-local Wasm plugin");
    expect(host.fetch().status).toBe(200);
  });

  test("a place that there is not is refused", async () => {
    const host = await load([]);
    expect(() => host.faults.fail("proxy_on_log", Status.NotFound)).toThrow("there is no hostcall proxy_on_log");
    expect(() => host.faults.trap("proxy_nothing")).toThrow("there is no callback or hostcall proxy_nothing");
  });
});
