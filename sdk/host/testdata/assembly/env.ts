// Hostcalls of the test modules. The name of this file is the name of the module that they are imported from.

export declare function proxy_log(level: i32, address: usize, size: usize): i32;
export declare function proxy_get_log_level(out: usize): i32;
export declare function proxy_get_property(address: usize, size: usize, out: usize, sizeOut: usize): i32;
export declare function proxy_set_property(address: usize, size: usize, value: usize, valueSize: usize): i32;
export declare function proxy_get_header_map_value(map: i32, name: usize, size: usize, out: usize, sizeOut: usize): i32;
export declare function proxy_add_header_map_value(
  map: i32,
  name: usize,
  size: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  name: usize,
  size: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_remove_header_map_value(map: i32, name: usize, size: usize): i32;
export declare function proxy_get_header_map_pairs(map: i32, out: usize, sizeOut: usize): i32;
export declare function proxy_set_header_map_pairs(map: i32, block: usize, size: usize): i32;
export declare function proxy_get_header_map_size(map: i32, out: usize): i32;
export declare function proxy_get_buffer_bytes(type: i32, start: i32, max: i32, out: usize, sizeOut: usize): i32;
export declare function proxy_send_local_response(
  status: i32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): i32;
export declare function proxy_continue_stream(type: i32): i32;
export declare function proxy_close_stream(type: i32): i32;
export declare function proxy_get_shared_data(key: usize, size: usize, out: usize, sizeOut: usize, casOut: usize): i32;
export declare function proxy_set_shared_data(key: usize, size: usize, value: usize, valueSize: usize, cas: i32): i32;
export declare function proxy_define_metric(type: i32, name: usize, size: usize, out: usize): i32;
export declare function proxy_increment_metric(id: i32, delta: i64): i32;
export declare function proxy_record_metric(id: i32, value: i64): i32;
export declare function proxy_get_metric(id: i32, out: usize): i32;
export declare function proxy_set_tick_period_milliseconds(ms: i32): i32;
export declare function proxy_set_effective_context(id: i32): i32;
export declare function proxy_get_status(code: usize, out: usize, size: usize): i32;
