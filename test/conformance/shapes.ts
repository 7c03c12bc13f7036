// What stands behind the words of each hostcall, so that a script can name it as `get_header_map_value(0, 'x-a')`.
import { hostFunctions } from "../../sdk/abi/host-functions.ts";

/**
 * Before `>` what a script gives: a word (i32), a long (i64), bytes (address and size), a path of a property with dots,
 * a vector (one piece of bytes as WASI takes it). Behind it what the host writes: a word, a long, a value (address and
 * size of bytes that it hands over), pairs (a value that is a block of pairs).
 */
const shapes: Readonly<Record<string, string>> = {
  proxy_log: "word bytes",
  proxy_get_log_level: "> word",
  proxy_get_status: "> word value",
  proxy_get_current_time_nanoseconds: "> long",
  proxy_set_property: "bytes bytes",
  proxy_get_property: "path > value",
  proxy_send_local_response: "word bytes bytes bytes word",
  proxy_get_shared_data: "bytes > value word",
  proxy_set_shared_data: "bytes bytes word",
  proxy_register_shared_queue: "bytes > word",
  proxy_resolve_shared_queue: "bytes bytes > word",
  proxy_dequeue_shared_queue: "word > value",
  proxy_enqueue_shared_queue: "word bytes",
  proxy_get_header_map_value: "word bytes > value",
  proxy_add_header_map_value: "word bytes bytes",
  proxy_replace_header_map_value: "word bytes bytes",
  proxy_remove_header_map_value: "word bytes",
  proxy_get_header_map_pairs: "word > pairs",
  proxy_set_header_map_pairs: "word bytes",
  proxy_get_header_map_size: "word > word",
  proxy_get_buffer_status: "word > word word",
  proxy_get_buffer_bytes: "word word word > value",
  proxy_set_buffer_bytes: "word word word bytes",
  proxy_http_call: "bytes bytes bytes bytes word > word",
  proxy_grpc_call: "bytes bytes bytes bytes bytes word > word",
  proxy_grpc_stream: "bytes bytes bytes bytes > word",
  proxy_grpc_send: "word bytes word",
  proxy_define_metric: "word bytes > word",
  proxy_increment_metric: "word long",
  proxy_record_metric: "word long",
  proxy_get_metric: "word > long",
  proxy_call_foreign_function: "bytes bytes > value",
  envoy_resolve_dns: "bytes > word",
  fd_write: "word vector > word",
  clock_time_get: "word long > long",
  clock_res_get: "word > long",
  poll_oneoff: "word word word > word",
  args_sizes_get: "> word word",
  environ_sizes_get: "> word word",
};

export type Given = "word" | "long" | "bytes" | "path" | "vector";
export type Written = "word" | "long" | "value" | "pairs";

/** A hostcall as scripts see it. */
export interface Shape {
  /** As scripts write it: without `proxy_`. */
  readonly name: string;
  readonly module: string;
  /** As the module imports it. */
  readonly import: string;
  readonly params: readonly ("i32" | "i64")[];
  readonly hasResult: boolean;
  readonly given: readonly Given[];
  readonly written: readonly Written[];
}

/** All hostcalls of ABI 0.2.1; those of WASI by their first module name. What has no shape takes its words as they are. */
export const hostcalls: readonly Shape[] = [...hostFunctions("0.2.1").values()]
  .filter(({ module }) => module !== "wasi_unstable")
  .map(({ module, name, params, results }) => {
    const words = params.map((type) => (type === "i64" ? "i64" : "i32"));
    const [given, written = ""] = (shapes[name] ?? words.map((type) => (type === "i64" ? "long" : "word")).join(" "))
      .split(">")
      .map((part) => part.trim());
    return {
      name: name.replace(/^proxy_/, ""),
      module,
      import: name,
      params: words,
      hasResult: results.length > 0,
      given: (given?.split(" ") ?? []).filter((word) => word !== "") as Given[],
      written: written.split(" ").filter((word) => word !== "") as Written[],
    };
  });
