// A module's way in: what is refused and why, what VMs there are, what may be called when.
import { beforeAll, describe, expect, test } from "vitest";
import { ConfigRefused, Host, preflight } from "./index.ts";
import { compile, compilePuppet } from "./testdata/compile.ts";

const marker = "export function proxy_abi_version_0_2_1(): void {}\n";
const malloc = "export function malloc(size: usize): usize { return heap.alloc(size); }\n";
const log = (text: string) => `
  @external("env", "proxy_log") declare function proxy_log(level: i32, address: usize, size: usize): i32;
  const text = String.UTF8.encode(${JSON.stringify(text)});
  function say(level: i32): void { proxy_log(level, changetype<usize>(text), text.byteLength); }\n`;

let puppet: Uint8Array;
beforeAll(async () => {
  puppet = await compilePuppet();
}, 60_000);

describe("refused, with all problems", () => {
  test.each([
    ["no module at all", async () => Buffer.from("not wasm"), "inspect", /^Failed to parse corrupted Wasm module/],
    ["no ABI marker", async () => await compile(malloc), "inspect", /^Missing or unknown Proxy-Wasm ABI version/],
    ["no malloc", async () => await compile(marker), "inspect", /^Wasm module is missing malloc function/],
    [
      "an import that Envoy does not have",
      async () =>
        await compile(`${marker}${malloc}declare function gone(): void; export function f(): void { gone(); }`),
      "inspect",
      /^Failed to load Wasm module due to a missing import: module\.gone/,
    ],
    [
      "a metric defined before the VM starts",
      async () =>
        await compile(
          `${marker}${malloc}@external("env", "proxy_define_metric") declare function define(t: i32, a: usize, n: usize, o: usize): i32; define(0, 0, 0, 0);`,
        ),
      "initialize",
      /^Function: _initialize failed: Uncaught Error: restricted_callback/,
    ],
    [
      "a trap in on_vm_start",
      async () =>
        await compile(
          `${marker}${malloc}export function proxy_on_vm_start(c: i32, n: i32): i32 { unreachable(); return 1; }`,
        ),
      "start",
      /^Function: proxy_on_vm_start failed: Uncaught RuntimeError: unreachable\nProxy-Wasm plugin in-VM backtrace:\n {2}0: +0x[0-9a-f]+ - module\/proxy_on_vm_start/,
    ],
  ])("%s", async (_title, module, stage, problem) => {
    const bytes = await module();
    const refused = await Host.load(bytes).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConfigRefused);
    expect(refused).toMatchObject({ stage, problems: [expect.stringMatching(problem)] });
    expect((await preflight(bytes)).problems).toEqual([expect.stringMatching(problem)]);
  });

  test("on_configure that returns false, with the log lines that explain it", async () => {
    const bytes = await compile(
      `${marker}${malloc}${log("percent is -1")}export function proxy_on_configure(c: i32, n: i32): i32 { say(1); say(4); return 0; }`,
    );
    await expect(Host.load(bytes)).rejects.toThrow(
      'proxy_on_configure of root_id "" returned false\n  error: percent is -1',
    );
    expect(await preflight(bytes)).toEqual({
      problems: ['proxy_on_configure of root_id "" returned false'],
      logs: [{ level: "error", text: "percent is -1", thread: "canary", rootId: "" }],
      notEmulated: undefined,
    });
  });

  test("the upstream half alone refusing", async () => {
    const load = Host.load(puppet, { upstream: true, config: "uC: return 0" });
    await expect(load).rejects.toThrow('proxy_on_configure of root_id "upstream" returned false');
  });
});

test("loads base, canary, main thread and workers; each root starts and is configured", async () => {
  const host = await Host.load(puppet, {
    upstream: true,
    workers: 2,
    config: "V: here\nC: define 0 loads; increment 4 1\nuC: here",
  });
  const starts = host.logs
    .filter(({ text }) => /^u?[VC] here/.test(text))
    .map(({ thread, text }) => `${thread} ${text[0]}`);
  expect(starts).toEqual(["canary V", "main V", "canary u", "main u", "0 V", "0 u", "1 V", "1 u"]);
  expect(host.metrics.counter("loads")).toBe(4);
});

test("the configuration can be read while it is configured, headers and filter state cannot", async () => {
  const script =
    "C: buffer 7 3 6; buffer 7 9999 5; get 0 :path; pairs 0; size 0; set k v; property plugin_root_id; local 200 x y";
  const host = await Host.load(puppet, { config: script, rootId: "budget" });
  const said = host.logs.filter(({ thread }) => thread === "main").map(({ text }) => text.replace(/.* -> /, ""));
  expect(said).toEqual(["0 buffer", "0 null", "2", "0 null", "2", "1", "0 budget", "0"]);
});

test("the node is known everywhere", async () => {
  const script =
    "C: property xds|node|id; property xds|node|metadata|LABELS|app; property xds|node|cluster; property xds|node|metadata|x";
  const node = { id: "sidecar~1", metadata: { LABELS: { app: "web" } } };
  const host = await Host.load(puppet, { config: script, node });
  const said = host.logs.filter(({ thread }) => thread === 0).map(({ text }) => text.replace(/.* -> /, ""));
  expect(said).toEqual(["0 sidecar~1", "0 web", "0 null", "1"]);
});

describe("what the host does not do", () => {
  test("is refused by its name", async () => {
    const bytes = await compile(
      `@external("env", "envoy_resolve_dns") declare function resolve(a: usize, n: usize, out: usize): i32;
      ${marker}${malloc}export function proxy_on_configure(c: i32, n: i32): i32 { return resolve(0, 0, 0); }`,
    );
    await expect(Host.load(bytes)).rejects.toThrow("envoy_resolve_dns is not emulated yet; test it on a real Envoy");
    expect(await preflight(bytes)).toMatchObject({ problems: [], notEmulated: "envoy_resolve_dns" });
  });

  test("a property that Envoy may have", async () => {
    const host = await Host.load(puppet, { config: "R: property connection|dns_san_peer_certificate" });
    const name = "connection.dns_san_peer_certificate";
    const connection = { tls: {} };
    expect(() => host.fetch({}, undefined, { connection })).toThrow(
      `proxy_get_property(${name}) is not emulated yet; set it with properties: { "${name}": … }`,
    );
    host.fetch({}, undefined, { connection, properties: { [name]: "here" } });
    expect(host.logs.at(-1)?.text).toBe("R property connection|dns_san_peer_certificate -> 0 here");
  });

  test("changing request headers in on_log, where Envoy reports a bug of its own", async () => {
    const host = await Host.load(puppet, { config: "R: local 429 x y\nL: replace 0 x y" });
    expect(() => host.fetch()).toThrow("proxy_replace_header_map_value(RequestHeaders) in on_log");
  });
});

describe("capability restriction", () => {
  const callbacks = ["proxy_on_context_create", "proxy_on_request_headers", "proxy_on_configure"];

  test("a hostcall that is not allowed answers InternalFailure", async () => {
    const allowedCapabilities = [...callbacks, "proxy_log", "proxy_get_property", "proxy_get_buffer_bytes"];
    const host = await Host.load(puppet, { config: "R: get 0 :path; property request|method", allowedCapabilities });
    host.fetch();
    expect(host.logs.map(({ text }) => text)).toEqual([
      "Attempted call to restricted proxy-wasm capability: proxy_get_header_map_value",
      "R get 0 :path -> 10",
      "R property request|method -> 0 GET",
    ]);
  });

  test("a callback that is not allowed is never called", async () => {
    const allowedCapabilities = [
      "proxy_on_context_create",
      "proxy_log",
      "proxy_get_property",
      "proxy_get_buffer_bytes",
    ];
    const host = await Host.load(puppet, { config: "C: here\nR: here", allowedCapabilities });
    host.fetch();
    expect(host.logs).toEqual([]);
  });
});

test("only callbacks that the module exports are called", async () => {
  const bytes = await compile(
    `${marker}${malloc}${log("done")}export function proxy_on_done(c: i32): i32 { say(2); return 1; }`,
  );
  const host = await Host.load(bytes);
  host.fetch();
  expect(host.logs.map(({ text }) => text)).toEqual(["done"]);
});

test("lines below the log level are dropped", async () => {
  const bytes = await compile(
    `${marker}${malloc}${log("hello")}export function proxy_on_log(c: i32): void { say(1); say(2); say(3); say(6); }`,
  );
  const host = await Host.load(bytes, { logLevel: "warn" });
  host.fetch();
  expect(host.logs.map(({ level }) => level)).toEqual(["warn"]);
  expect(host.hostcalls.count("proxy_log")).toBe(4);
});
