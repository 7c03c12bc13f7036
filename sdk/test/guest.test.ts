// Drives the SDK's own code in a module with a host that does next to nothing, to count memory over many requests.
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

type Callback = (...args: number[]) => number;

let module: WebAssembly.Module;
let guest: Record<string, Callback> & { memory: WebAssembly.Memory };
let path: string;
let written: string[];
let logged: string[];

beforeAll(async () => {
  module = await WebAssembly.compile(await sourceModule("sdk/assembly/testing/guest.ts"));
});

beforeEach(() => {
  path = "/items";
  written = [];
  logged = [];
  const text = (at: number, size: number) => Buffer.from(guest.memory.buffer, at, size).toString();
  const env = {
    proxy_log: (_: number, at: number, size: number) => logged.push(text(at, size)) - 1,
    proxy_get_property: () => 1,
    proxy_set_effective_context: () => 0,
    proxy_get_header_map_value: (_map: number, _name: number, _size: number, outPtr: number, outSize: number) => {
      const bytes = Buffer.from(path);
      const at = guest["proxy_on_memory_allocate"]?.(bytes.length) ?? 0;
      Buffer.from(guest.memory.buffer).set(bytes, at);
      const view = new DataView(guest.memory.buffer);
      view.setUint32(outPtr, at, true);
      view.setUint32(outSize, bytes.length, true);
      return 0;
    },
    proxy_replace_header_map_value: (_map: number, _name: number, _size: number, at: number, size: number) => {
      if (written.length < 10_000) written.push(text(at, size));
      return 0;
    },
  };
  guest = new WebAssembly.Instance(module, { env }).exports as typeof guest;
  call("_initialize");
  call("proxy_on_context_create", 1, 0);
});

function call(name: string, ...args: number[]): number | undefined {
  const callback = guest[name];
  if (!callback) throw new Error(`${name} is not exported`);
  return callback(...args);
}

function request(id: number): void {
  call("proxy_on_context_create", id, 1);
  call("proxy_on_request_headers", id, 0, 1);
  call("proxy_on_response_headers", id, 0, 1);
  call("proxy_on_delete", id);
}

function pages(): number {
  return guest.memory.buffer.byteLength / 65536;
}

test("a million requests take no more memory than the first thousands", () => {
  let id = 2;
  while (id < 10_000) request(id++);
  const before = pages();
  while (id < 1_000_000) request(id++);
  expect(pages()).toBe(before);
  expect(before).toBe(1);
});

test("large values time and again take no more memory than the first ones", () => {
  const cycle = (first: number) => {
    path = "/".padEnd(1024 * 1024, "a");
    request(first);
    path = "/small";
    for (let id = first + 1; id < first + 500; id++) request(id);
  };
  cycle(1000);
  const first = pages();
  for (let i = 2; i < 20; i++) cycle(i * 1000);
  const before = pages();
  for (let i = 20; i < 40; i++) cycle(i * 1000);
  expect(pages()).toBe(before);
  expect(before).toBeLessThan(2 * first);
});

test("each stream finds its own context, whatever the order in which streams end", () => {
  const open = Array.from({ length: 500 }, (_, i) => i * 64 + 2); // far apart: many share a place in the table
  for (const id of open) {
    path = `/${id}`;
    call("proxy_on_context_create", id, 1);
    call("proxy_on_request_headers", id, 0, 1);
  }
  while (open.length) {
    const [id] = open.splice(((open.length * 7919) % 500) % open.length, 1);
    if (id === undefined) break;
    for (const known of [id, open[0]]) {
      if (known === undefined) continue;
      written = [];
      call("proxy_on_response_headers", known, 0, 1);
      expect(written).toEqual([`/${known} was the path`]);
    }
    call("proxy_on_delete", id);
    written = [];
    call("proxy_on_response_headers", id, 0, 1);
    expect(written).toEqual([]);
  }
});

test("any bytes in a header are read, and written as UTF-8", () => {
  path = "/é😀\0";
  request(2);
  expect(written).toEqual(["/é😀\0 was the path"]);
});

test("an abort says what happened and where, in one line, and needs no memory", () => {
  path = "/trap";
  const before = pages();
  expect(() => request(2)).toThrow(WebAssembly.RuntimeError);
  expect(logged).toHaveLength(1);
  expect(logged[0]).toMatch(/^abort: a trap: é(a trap: é)+.* at sdk\/assembly\/testing\/guest\.ts:16:\d+$/);
  expect(pages()).toBe(before);
});
