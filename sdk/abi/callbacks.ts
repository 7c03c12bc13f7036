// What Envoy calls in a module, with types. For tsc only.
// @see proxy-wasm-cpp-host include/proxy-wasm/wasm.h FOR_ALL_MODULE_FUNCTIONS (2026-07), the host inside Envoy 1.40
import { type AbiVersion, nothing, type Signature, type Signatures, word } from "./signatures.ts";

/** Export that says which ABI a module speaks -> version. The first one in export order counts. */
export const markers: ReadonlyMap<string, AbiVersion> = new Map([
  ["proxy_abi_version_0_1_0", "0.1.0"],
  ["proxy_abi_version_0_2_0", "0.2.0"],
  ["proxy_abi_version_0_2_1", "0.2.1"],
]);

/** One of them must be exported, size -> address or 0; the first is preferred. */
export const allocators = ["malloc", "proxy_on_memory_allocate"] as const;

const moduleFunctions = {
  _initialize: nothing(0),
  _start: nothing(0),
  main: word(2),
  __main_void: word(0),
  malloc: word(1),
  proxy_on_memory_allocate: word(1),
  proxy_on_context_create: nothing(2),
  proxy_validate_configuration: word(2),
  proxy_on_vm_start: word(2),
  proxy_on_configure: word(2),
  proxy_on_tick: nothing(1),
  proxy_on_new_connection: word(1),
  proxy_on_downstream_data: word(3),
  proxy_on_upstream_data: word(3),
  proxy_on_downstream_connection_close: nothing(2),
  proxy_on_upstream_connection_close: nothing(2),
  proxy_on_request_body: word(3),
  proxy_on_request_trailers: word(2),
  proxy_on_request_metadata: word(2),
  proxy_on_response_body: word(3),
  proxy_on_response_trailers: word(2),
  proxy_on_response_metadata: word(2),
  proxy_on_http_call_response: nothing(5),
  proxy_on_grpc_receive_initial_metadata: nothing(3),
  proxy_on_grpc_receive: nothing(3),
  proxy_on_grpc_receive_trailing_metadata: nothing(3),
  proxy_on_grpc_close: nothing(3),
  proxy_on_queue_ready: nothing(2),
  proxy_on_done: word(1),
  proxy_on_log: nothing(1),
  proxy_on_delete: nothing(1),
  envoy_on_resolve_dns: nothing(3),
  envoy_on_stats_update: nothing(2),
};

const moduleFunctionsSince02 = {
  proxy_on_request_headers: word(3),
  proxy_on_response_headers: word(3),
  proxy_on_foreign_function: nothing(3),
};

const moduleFunctionsOf: Readonly<Record<AbiVersion, Signatures>> = {
  "0.1.0": { proxy_on_request_headers: word(2), proxy_on_response_headers: word(2) },
  "0.2.0": moduleFunctionsSince02,
  "0.2.1": moduleFunctionsSince02,
};

/** What Envoy calls in a module of one ABI version where it is exported, by name; another type fails to load. */
export function callbacks(abi: AbiVersion): ReadonlyMap<string, Signature> {
  return new Map(Object.entries({ ...moduleFunctions, ...moduleFunctionsOf[abi] }));
}
