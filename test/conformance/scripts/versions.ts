// Modules of the older ABI versions, which Envoy still takes.
import type { Script } from "../script.ts";
import { wat } from "../wat.ts";

const log = '(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))';
const memory = '(memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) (i32.const 1024))';

/** `$say`: logs a name and a status of one digit; names are 8 bytes, from address 64 on. */
const say = `(func $say (param $name i32) (param $status i32)
  (i64.store (i32.const 512) (i64.load (local.get $name)))
  (i32.store8 (i32.const 520) (i32.add (i32.const 48) (local.get $status)))
  (drop (call $log (i32.const 2) (i32.const 512) (i32.const 9))))
  (data (i32.const 64) "config: request:response route: ")`;

function imported(name: string, params: number): string {
  return `(import "env" "proxy_${name}" (func $${name} ${"(param i32)".repeat(params)} (result i32)))`;
}

function callback(name: string, params: number, body: string): string {
  return `(func (export "proxy_on_${name}") ${"(param i32)".repeat(params)} (result i32) ${body})`;
}

/** Logs what it is configured with, lets the request and the response go on by its own names, and clears the route cache. */
const oldest = `${log} ${imported("get_configuration", 2)} ${imported("continue_request", 0)}
  ${imported("continue_response", 0)} ${imported("clear_route_cache", 0)} ${memory} ${say}
  (func (export "proxy_abi_version_0_1_0"))
  ${callback(
    "configure",
    2,
    `(call $say (i32.const 64) (call $get_configuration (i32.const 0) (i32.const 4)))
    (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4)))) (i32.const 1)`,
  )}
  ${callback(
    "request_headers",
    2,
    `(call $say (i32.const 64) (call $get_configuration (i32.const 0) (i32.const 4)))
    (drop (call $log (i32.const 2) (i32.load (i32.const 0)) (i32.load (i32.const 4))))
    (call $say (i32.const 88) (call $clear_route_cache))
    (call $say (i32.const 72) (call $continue_request)) (i32.const 1)`,
  )}
  ${callback("response_headers", 2, "(call $say (i32.const 80) (call $continue_response)) (i32.const 1)")}`;

const older = `${log} ${imported("continue_stream", 1)} ${memory} ${say}
  (func (export "proxy_abi_version_0_2_0"))
  ${callback("request_headers", 3, "(call $say (i32.const 72) (call $continue_stream (i32.const 0))) (i32.const 1)")}`;

export const versions: readonly Script[] = [
  {
    title: "0.1.0: its own names for the configuration, going on, and the route cache",
    module: () => wat(oldest),
    plugin: { config: "mine" },
  },
  {
    title: "0.1.0: callbacks of headers with the type of 0.2",
    module: () =>
      wat(
        oldest.replace(
          callback("response_headers", 2, "").slice(0, -2),
          callback("response_headers", 3, "").slice(0, -2),
        ),
      ),
  },
  { title: "0.2.0: continue_stream", module: () => wat(older) },
  { title: "0.2.0: get_log_level is not there", module: () => wat(`${imported("get_log_level", 1)} ${older}`) },
  { title: "0.2.0: continue_request is not there", module: () => wat(`${imported("continue_request", 0)} ${older}`) },
  {
    title: "two markers: the first one counts",
    module: () => wat(`${older} (func (export "proxy_abi_version_0_2_1"))`),
  },
];
