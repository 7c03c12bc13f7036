// Modules that Envoy does not take, each with what it says; written as text, so that nothing else stands in them.
import type { Script } from "../script.ts";
import { wat } from "../wat.ts";

const marker = '(func (export "proxy_abi_version_0_2_1"))';
const malloc = '(func (export "malloc") (param i32) (result i32) (i32.const 0))';
const memory = '(memory (export "memory") 1)';
const whole = `${marker} ${malloc} ${memory}`;

function module(title: string, text: string, more: Partial<Script> = {}): Script {
  return { title, module: () => wat(text), ...more };
}

/** A module that makes a hostcall in `_initialize`. */
function initializing(title: string, call: string, imports: string): Script {
  return module(title, `${imports} ${whole} (func (export "_initialize") ${call})`);
}

const imported = (name: string, type: string, from = "env") => `(import "${from}" "${name}" (func $f ${type}))`;

/** A module that makes a hostcall in malloc, when a property is read. */
function allocating(title: string, call: string, imports: string): Script {
  return module(
    title,
    `${imports} (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
     ${marker} ${memory} (data (i32.const 64) "plugin_name")
     (func (export "malloc") (param i32) (result i32) ${call} (i32.const 1024))
     (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
       (call $property (i32.const 64) (i32.const 11) (i32.const 0) (i32.const 4)))`,
  );
}

/** What compilers may use beyond the first WebAssembly. */
const features = {
  "bulk memory": "(memory.fill (i32.const 0) (i32.const 1) (i32.const 9))",
  "sign extension": "(drop (i32.extend8_s (i32.const 200)))",
  "conversions that saturate": "(drop (i32.trunc_sat_f64_s (f64.const 1e99)))",
  SIMD: "(drop (i8x16.splat (i32.const 1)))",
  "relaxed SIMD": "(drop (i8x16.relaxed_swizzle (i8x16.splat (i32.const 1)) (i8x16.splat (i32.const 1))))",
  "reference types": "(drop (ref.null func))",
  "tail calls": "(return_call $nothing)",
  "several values": "(tuple.drop 2 (tuple.make 2 (i32.const 1) (i32.const 2)))",
};

export const load: readonly Script[] = [
  ...Object.entries(features).map(([feature, code]) =>
    module(`WebAssembly with ${feature}`, `${whole} (func $nothing) (func (export "_initialize") ${code})`),
  ),
  { title: "bytes that are no module", module: async () => Buffer.from("not wasm") },
  { title: "an empty file of four bytes", module: async () => Uint8Array.of(0, 97, 115, 109) },
  module("a module that does nothing", whole),
  module("no ABI marker", `${malloc} ${memory}`),
  module("the marker of 0.2.0", `(func (export "proxy_abi_version_0_2_0")) ${malloc} ${memory}`),
  module("the marker of 0.1.0", `(func (export "proxy_abi_version_0_1_0")) ${malloc} ${memory}`),
  module("a marker of no version", `(func (export "proxy_abi_version_0_3_0")) ${malloc} ${memory}`),
  module("no malloc", `${marker} ${memory}`),
  module(
    "proxy_on_memory_allocate in the place of malloc",
    `${marker} ${memory} (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 0))`,
  ),
  module(
    "both malloc and proxy_on_memory_allocate: a value comes into what malloc gives",
    `(import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    ${marker} ${memory} (data (i32.const 64) "plugin_name") (data (i32.const 1024) "other....")
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 2048))
    (func (export "malloc") (param i32) (result i32) (i32.const 1024))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $property (i32.const 64) (i32.const 11) (i32.const 0) (i32.const 4)))
      (drop (call $log (i32.const 2) (i32.const 1024) (i32.const 9)))
      (i32.const 0))`,
  ),
  module(
    "malloc of another type",
    `${marker} ${memory} (func (export "malloc") (param i64) (result i32) (i32.const 0))`,
  ),
  module("an import that is unknown", `${imported("proxy_nothing", "")} ${whole}`),
  module("an import of an unknown module", `${imported("f", "", "other")} ${whole}`),
  module("AssemblyScript's abort", `${imported("abort", "(param i32 i32 i32 i32)")} ${whole}`),
  module("a hostcall of another ABI", `${imported("proxy_clear_route_cache", "(result i32)")} ${whole}`),
  module("an import of another type", `${imported("proxy_grpc_call", "(param i32 i64)")} ${whole}`),
  module(
    "an import of WASI's older name",
    `${imported("fd_write", "(param i32 i32 i32 i32) (result i32)", "wasi_unstable")} ${whole}`,
  ),
  module("an imported global", `(import "env" "proxy_log" (global i32)) ${whole}`),
  module("an imported memory", `(import "env" "memory" (memory 1)) ${marker} ${malloc}`),
  module(
    "a callback of another type",
    `${whole} (func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))`,
  ),
  module("an export that Envoy does not know", `${whole} (func (export "proxy_on_nothing") (param i32))`),
  module("_start in the place of _initialize", `${whole} (func (export "_start"))`),
  module("_initialize that traps", `${whole} (func (export "_initialize") (unreachable))`),
  module("_start that traps", `${whole} (func (export "_start") (unreachable))`),
  module(
    "main is called after _initialize",
    `${whole} (func (export "_initialize")) (func (export "main") (param i32 i32) (result i32) (unreachable))`,
  ),
  initializing(
    "a metric defined in _initialize",
    "(drop (call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
    imported("proxy_define_metric", "(param i32 i32 i32 i32) (result i32)"),
  ),
  initializing(
    "a header read in _initialize",
    "(drop (call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
    imported("proxy_get_header_map_value", "(param i32 i32 i32 i32 i32) (result i32)"),
  ),
  initializing(
    "the clock read in _initialize by proxy_get_current_time_nanoseconds",
    "(drop (call $f (i32.const 0)))",
    imported("proxy_get_current_time_nanoseconds", "(param i32) (result i32)"),
  ),
  initializing(
    "the log written in _initialize",
    '(drop (call $f (i32.const 2) (i32.const 64) (i32.const 5))))  (data (i32.const 64) "early") (func',
    imported("proxy_log", "(param i32 i32 i32) (result i32)"),
  ),
  initializing(
    "the clock read in _initialize by WASI",
    "(drop (call $f (i32.const 0) (i64.const 0) (i32.const 0)))",
    imported("clock_time_get", "(param i32 i64 i32) (result i32)", "wasi_snapshot_preview1"),
  ),
  initializing(
    "sched_yield in _initialize",
    "(drop (call $f))",
    imported("sched_yield", "(result i32)", "wasi_snapshot_preview1"),
  ),
  initializing(
    "fd_close in _initialize",
    "(drop (call $f (i32.const 1)))",
    imported("fd_close", "(param i32) (result i32)", "wasi_snapshot_preview1"),
  ),
  allocating(
    "the log written in malloc",
    "(drop (call $f (i32.const 2) (i32.const 64) (i32.const 4)))",
    imported("proxy_log", "(param i32 i32 i32) (result i32)"),
  ),
  allocating(
    "a metric defined in malloc",
    "(drop (call $f (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))",
    imported("proxy_define_metric", "(param i32 i32 i32 i32) (result i32)"),
  ),
  module(
    "malloc that answers 0",
    `(import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
    ${whole} (data (i32.const 64) "plugin_name")
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (i32.store8 (i32.const 128) (i32.add (i32.const 48) (call $property (i32.const 64) (i32.const 11) (i32.const 0) (i32.const 4))))
      (drop (call $log (i32.const 2) (i32.const 128) (i32.const 1)))
      (i32.const 0))`,
  ),
  ...[
    "context_create (param i32 i32)",
    "vm_start (param i32 i32) (result i32)",
    "configure (param i32 i32) (result i32)",
  ].map((callback) => {
    const [name = "", ...type] = callback.split(" ");
    return module(`a trap in ${name}`, `${whole} (func (export "proxy_on_${name}") ${type.join(" ")} (unreachable))`);
  }),
  ...["vm_start", "configure"].map((name) =>
    module(
      `${name} that answers 0`,
      `${whole} (func (export "proxy_on_${name}") (param i32 i32) (result i32) (i32.const 0))`,
    ),
  ),
];
