// What Envoy offers to a module, with types, and what of it is forbidden when. For tsc only.
// @see proxy-wasm-cpp-host include/proxy-wasm/exports.h, wasm.h and src/wasm.cc (2026-07), the host inside Envoy 1.40
import { type AbiVersion, nothing, type Signature, type Signatures, typed, word } from "./signatures.ts";

/** A function that the host offers, called `module.name`. */
export interface HostFunction extends Signature {
  readonly module: "env" | "wasi_snapshot_preview1" | "wasi_unstable";
  readonly name: string;
}

const proxyFunctions = {
  proxy_log: word(3),
  proxy_get_status: word(3),
  proxy_set_property: word(4),
  proxy_get_property: word(4),
  proxy_send_local_response: word(8),
  proxy_get_shared_data: word(5),
  proxy_set_shared_data: word(5),
  proxy_register_shared_queue: word(3),
  proxy_resolve_shared_queue: word(5),
  proxy_dequeue_shared_queue: word(3),
  proxy_enqueue_shared_queue: word(3),
  proxy_get_header_map_value: word(5),
  proxy_add_header_map_value: word(5),
  proxy_replace_header_map_value: word(5),
  proxy_remove_header_map_value: word(3),
  proxy_get_header_map_pairs: word(3),
  proxy_set_header_map_pairs: word(3),
  proxy_get_header_map_size: word(2),
  proxy_get_buffer_status: word(3),
  proxy_get_buffer_bytes: word(5),
  proxy_set_buffer_bytes: word(5),
  proxy_http_call: word(10),
  proxy_grpc_call: word(12),
  proxy_grpc_stream: word(9),
  proxy_grpc_close: word(1),
  proxy_grpc_cancel: word(1),
  proxy_grpc_send: word(4),
  proxy_set_tick_period_milliseconds: word(1),
  proxy_get_current_time_nanoseconds: word(1),
  proxy_define_metric: word(4),
  proxy_increment_metric: typed("i32", "i64"),
  proxy_record_metric: typed("i32", "i64"),
  proxy_get_metric: word(2),
  proxy_set_effective_context: word(1),
  proxy_done: word(0),
  proxy_call_foreign_function: word(6),
};

const streamFunctions = { proxy_continue_stream: word(1), proxy_close_stream: word(1) };

const proxyFunctionsOf: Readonly<Record<AbiVersion, Signatures>> = {
  "0.1.0": {
    proxy_get_configuration: word(2),
    proxy_continue_request: word(0),
    proxy_continue_response: word(0),
    proxy_clear_route_cache: word(0),
  },
  "0.2.0": streamFunctions,
  "0.2.1": { ...streamFunctions, proxy_get_log_level: word(1) },
};

/** Emscripten's two, and Envoy's own. */
const environmentFunctions = {
  pthread_equal: word(2),
  emscripten_notify_memory_growth: nothing(1),
  envoy_resolve_dns: word(3),
};

/** Offered under both module names. Most of those on files and sockets only answer ENOTSUP. */
const wasiFunctions = {
  fd_write: word(4),
  fd_read: word(4),
  fd_seek: typed("i32", "i64", "i32", "i32"),
  fd_close: word(1),
  fd_fdstat_get: word(2),
  fd_fdstat_set_flags: word(2),
  fd_fdstat_set_rights: typed("i32", "i64", "i64"),
  fd_advise: typed("i32", "i64", "i64", "i32"),
  fd_allocate: typed("i32", "i64", "i64"),
  fd_datasync: word(1),
  fd_filestat_get: word(2),
  fd_filestat_set_size: typed("i32", "i64"),
  fd_filestat_set_times: typed("i32", "i64", "i64", "i32"),
  fd_pread: typed("i32", "i32", "i32", "i64", "i32"),
  fd_pwrite: typed("i32", "i32", "i32", "i64", "i32"),
  fd_prestat_get: word(2),
  fd_prestat_dir_name: word(3),
  fd_readdir: typed("i32", "i32", "i32", "i64", "i32"),
  fd_renumber: word(2),
  fd_sync: word(1),
  fd_tell: word(2),
  path_create_directory: word(3),
  path_filestat_get: word(5),
  path_filestat_set_times: typed("i32", "i32", "i32", "i32", "i64", "i64", "i32"),
  path_link: word(6),
  path_open: typed("i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "i32"),
  path_readlink: word(6),
  path_remove_directory: word(3),
  path_rename: word(6),
  path_symlink: word(4),
  path_unlink_file: word(3),
  sock_accept: word(3),
  sock_recv: word(6),
  sock_send: word(5),
  sock_shutdown: word(2),
  args_get: word(2),
  args_sizes_get: word(2),
  environ_get: word(2),
  environ_sizes_get: word(2),
  clock_time_get: typed("i32", "i64", "i32"),
  clock_res_get: word(2),
  random_get: word(2),
  sched_yield: word(0),
  poll_oneoff: word(4),
  proc_exit: nothing(1),
};

/** Everything that Envoy offers to a module of one ABI version, by `module.name`; any other import fails to link. */
export function hostFunctions(abi: AbiVersion): ReadonlyMap<string, HostFunction> {
  return new Map([
    ...inModule("env", { ...proxyFunctions, ...proxyFunctionsOf[abi], ...environmentFunctions }),
    ...inModule("wasi_snapshot_preview1", wasiFunctions),
    ...inModule("wasi_unstable", wasiFunctions),
  ]);
}

/** WASI calls that even `_initialize` may not make: Envoy forgot them, or they would wait or end the program. */
const neverBeforeStart = ["fd_read", "fd_seek", "fd_close", "sched_yield", "proc_exit", "path_open"];

/**
 * Hostcalls allowed in `_initialize`, `main` and `_start`, as `module.name`. Any other traps with
 * `restricted_callback`, and the module does not load.
 */
export const allowedInInitialize: ReadonlySet<string> = new Set([
  "env.proxy_log",
  "env.emscripten_notify_memory_growth",
  ...wasi(Object.keys(wasiFunctions).filter((name) => !neverBeforeStart.includes(name))),
]);

/** Hostcalls allowed in malloc and proxy_on_memory_allocate, as `module.name`; any other traps. */
export const allowedInMalloc: ReadonlySet<string> = new Set([
  "env.proxy_log",
  ...wasi(["fd_write", "clock_time_get", "poll_oneoff"]),
]);

function wasi(names: readonly string[]): string[] {
  return names.flatMap((name) => [`wasi_snapshot_preview1.${name}`, `wasi_unstable.${name}`]);
}

function inModule(module: HostFunction["module"], functions: Signatures): [string, HostFunction][] {
  return Object.entries(functions).map(([name, type]) => [`${module}.${name}`, { module, name, ...type }]);
}
