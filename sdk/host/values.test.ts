// Values at the edges: blocks of pairs, time spans, header maps, and what happens when the module gives no memory.
import { describe, expect, test } from "vitest";
import { u32 } from "./bytes.ts";
import { VirtualClock } from "./clock.ts";
import { parseDuration } from "./duration.ts";
import { HeaderMap } from "./header-map.ts";
import { Host } from "./index.ts";
import { decodePairs, encodePairs, type Pair } from "./pairs.ts";
import { compile } from "./testdata/compile.ts";

describe("pairs", () => {
  const block = encodePairs([
    ["a", "1"],
    ["b", ""],
  ]);

  test("are laid out as Envoy lays them out", () => {
    expect(block).toBe(`${u32(2)}${u32(1)}${u32(1)}${u32(1)}${u32(0)}a\x001\0b\0\0`);
    expect(decodePairs(block)).toEqual([
      ["a", "1"],
      ["b", ""],
    ]);
  });

  const many = (count: number) => encodePairs(new Array<Pair>(count).fill(["k", "v"]));
  test.each([
    ["nothing", "", 0],
    ["cut short", block.slice(0, -1), 0],
    ["followed by more", `${block}x`, 0],
    ["a missing NUL", block.replace("1\0", "11"), 0],
    ["a count without sizes", u32(3), 0],
    ["1024 pairs", many(1024), 1024],
    ["1025 pairs", many(1025), 0],
    ["more than 1 MiB", encodePairs([["k", "v".repeat(1024 * 1024)]]), 0],
  ])("%s", (_title, bytes, count) => {
    expect(decodePairs(bytes)).toHaveLength(count);
  });
});

test.each`
  duration   | ns
  ${"10s"}   | ${10_000_000_000n}
  ${"1.5ms"} | ${1_500_000n}
  ${"2h"}    | ${7_200_000_000_000n}
  ${250}     | ${250_000_000n}
`("$duration is $ns ns", ({ duration, ns }) => {
  expect(parseDuration(duration)).toBe(ns);
});

test.each(["10", "-1s", "1 s", "", "5d"])("%j is no duration", (text) => {
  expect(() => parseDuration(text)).toThrow("write a number and one of ns, us, ms, s, m, h");
});

test("the clock runs what is due in its order, also what that adds, and stops where it is told", () => {
  const clock = new VirtualClock(0);
  const start = clock.monotonicNs;
  const ran: string[] = [];
  clock.after(20n, () => ran.push("late"));
  clock.after(10n, () => {
    ran.push("first");
    clock.after(5n, () => ran.push("added"));
  });
  clock.after(10n, () => ran.push("second"));
  clock.after(12n, () => ran.push("cancelled")).cancel();
  clock.runUntil(start + 100n, () => ran.includes("added"));
  expect(ran).toEqual(["first", "second", "added"]);
  expect(clock.monotonicNs - start).toBe(15n);
  clock.runUntil(start + 100n);
  expect(ran.at(-1)).toBe("late");
  expect(clock.realtimeNs).toBe(100n);
});

test("a request's host is its authority, a response's is a header of its own", () => {
  expect(new HeaderMap("request", { Host: "a" }).entries()).toEqual([[":authority", "a"]]);
  expect(new HeaderMap("response", { Host: "a" }).entries()).toEqual([["host", "a"]]);
});

describe("malloc", () => {
  const module = (malloc: string) => `
    @external("env", "proxy_get_property") declare function getProperty(p: usize, n: usize, o: usize, s: usize): i32;
    @external("env", "proxy_log") declare function proxy_log(level: i32, address: usize, size: usize): i32;
    const path = memory.data<u8>([114, 101, 113, 117, 101, 115, 116, 0, 112, 97, 116, 104]); // request.path
    const out = memory.data(16);
    export function proxy_abi_version_0_2_1(): void {}
    export function malloc(size: usize): usize { ${malloc} }
    export function proxy_on_request_headers(c: i32, n: i32, e: i32): i32 {
      store<u8>(out, 48 + <u8>getProperty(path, 12, out + 4, out + 8));
      proxy_log(2, out, 1);
      return 0;
    }`;

  test("that gives 0 makes the hostcall answer InvalidMemoryAccess", async () => {
    const host = await Host.load(await compile(module("return 0;")));
    expect(host.fetch().status).toBe(200);
    expect(host.logs.map(({ text }) => text)).toEqual(["6"]);
  });

  test("may not call back: that kills the VM", async () => {
    const host = await Host.load(await compile(module("getProperty(path, 12, out + 4, out + 8); return 0;")));
    expect(host.fetch().status).toBe(503);
    expect(host.logs[0]?.text).toMatch(/^Function: malloc failed: Uncaught Error: restricted_callback/);
  });
});
