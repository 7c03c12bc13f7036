// What a hostcall says of itself when calls are traced.
import { toText } from "./bytes.ts";
import type { Memory } from "./memory.ts";

/** One call of the host by a module. */
export interface TracedHostcall {
  /** In the ABI, such as `proxy_get_property`. */
  readonly name: string;
  /**
   * What the module handed over, in order: numbers, and texts in the place of address and size, U+FFFD where they are not UTF-8; header
   * maps are such texts, too, in the ABI's form. Where to put results is left out, but of calls of WASI and gRPC, which are numbers only.
   */
  readonly args: readonly (string | number | bigint)[];
  /** What it answered, of `abi/status.ts`, or WASI's errno; undefined where it returns nothing, or trapped. */
  readonly status: number | undefined;
}

/** Arguments by the ABI's name: n a number, t an address and a size; what is not named is where results go. */
const layouts: Readonly<Record<string, string>> = {
  proxy_log: "nt",
  proxy_get_log_level: "",
  proxy_get_status: "",
  proxy_get_property: "t",
  proxy_set_property: "tt",
  proxy_send_local_response: "ntttn",
  proxy_get_shared_data: "t",
  proxy_set_shared_data: "ttn",
  proxy_register_shared_queue: "t",
  proxy_resolve_shared_queue: "tt",
  proxy_dequeue_shared_queue: "n",
  proxy_enqueue_shared_queue: "nt",
  proxy_get_header_map_value: "nt",
  proxy_add_header_map_value: "ntt",
  proxy_replace_header_map_value: "ntt",
  proxy_remove_header_map_value: "nt",
  proxy_get_header_map_pairs: "n",
  proxy_set_header_map_pairs: "nt",
  proxy_get_header_map_size: "n",
  proxy_get_buffer_status: "n",
  proxy_get_buffer_bytes: "nnn",
  proxy_set_buffer_bytes: "nnnt",
  proxy_http_call: "ttttn",
  proxy_get_current_time_nanoseconds: "",
  proxy_define_metric: "nt",
  proxy_get_metric: "n",
  proxy_call_foreign_function: "tt",
};

/** The arguments of a call; undefined bytes, outside the memory, are the numbers that they are said by. */
export function traceArgs(name: string, words: readonly (number | bigint)[], memory: Memory): TracedHostcall["args"] {
  const layout = layouts[name];
  if (layout === undefined) return words;
  let at = 0;
  return [...layout].flatMap((kind): TracedHostcall["args"] => {
    const [first = 0, size = 0] = words.slice(at);
    at += kind === "t" ? 2 : 1;
    if (kind === "n") return [first];
    const bytes = memory.read(Number(first), Number(size));
    return bytes === undefined ? [first, size] : [toText(bytes)];
  });
}
