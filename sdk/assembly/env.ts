// The hostcalls, as they are. The name of this file is the name of the module that they are imported from. One that nobody
// calls does not reach a filter. `ptr, size` name bytes in memory, `out` an address that the host writes to; each returns
// a status of sdk/abi/status.ts.
// @see proxy-wasm spec abi-versions/v0.2.1

export declare function proxy_log(level: i32, ptr: usize, size: usize): i32;
export declare function proxy_get_log_level(out: usize): i32;
export declare function proxy_set_tick_period_milliseconds(period: u32): i32;
export declare function proxy_get_property(path: usize, pathSize: usize, outPtr: usize, outSize: usize): i32;
export declare function proxy_set_property(path: usize, pathSize: usize, value: usize, valueSize: usize): i32;
export declare function proxy_get_buffer_bytes(type: i32, start: u32, max: u32, outPtr: usize, outSize: usize): i32;
export declare function proxy_get_buffer_status(type: i32, outSize: usize, outFlags: usize): i32;
export declare function proxy_set_buffer_bytes(type: i32, start: u32, size: u32, bytes: usize, bytesSize: usize): i32;
export declare function proxy_get_header_map_pairs(map: i32, outPtr: usize, outSize: usize): i32;
export declare function proxy_get_header_map_value(
  map: i32,
  name: usize,
  nameSize: usize,
  outPtr: usize,
  outSize: usize,
): i32;
export declare function proxy_get_header_map_size(map: i32, outSize: usize): i32;
export declare function proxy_add_header_map_value(
  map: i32,
  name: usize,
  nameSize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_replace_header_map_value(
  map: i32,
  name: usize,
  nameSize: usize,
  value: usize,
  valueSize: usize,
): i32;
export declare function proxy_remove_header_map_value(map: i32, name: usize, nameSize: usize): i32;
export declare function proxy_continue_stream(stream: i32): i32;
export declare function proxy_close_stream(stream: i32): i32;
export declare function proxy_send_local_response(
  status: u32,
  details: usize,
  detailsSize: usize,
  body: usize,
  bodySize: usize,
  headers: usize,
  headersSize: usize,
  grpcStatus: i32,
): i32;
export declare function proxy_http_call(
  cluster: usize,
  clusterSize: usize,
  headers: usize,
  headersSize: usize,
  body: usize,
  bodySize: usize,
  trailers: usize,
  trailersSize: usize,
  timeoutMs: u32,
  outToken: usize,
): i32;
export declare function proxy_grpc_call(
  peer: usize,
  peerSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  message: usize,
  messageSize: usize,
  timeoutMs: u32,
  outToken: usize,
): i32;
export declare function proxy_grpc_stream(
  peer: usize,
  peerSize: usize,
  service: usize,
  serviceSize: usize,
  method: usize,
  methodSize: usize,
  metadata: usize,
  metadataSize: usize,
  outToken: usize,
): i32;
export declare function proxy_grpc_send(token: u32, message: usize, messageSize: usize, endOfStream: bool): i32;
export declare function proxy_grpc_close(token: u32): i32;
export declare function proxy_grpc_cancel(token: u32): i32;
export declare function proxy_get_status(outCode: usize, outPtr: usize, outSize: usize): i32;
export declare function proxy_get_shared_data(
  key: usize,
  keySize: usize,
  outPtr: usize,
  outSize: usize,
  outCas: usize,
): i32;
export declare function proxy_set_shared_data(
  key: usize,
  keySize: usize,
  value: usize,
  valueSize: usize,
  cas: u32,
): i32;
export declare function proxy_register_shared_queue(name: usize, nameSize: usize, outId: usize): i32;
export declare function proxy_resolve_shared_queue(
  vmId: usize,
  vmIdSize: usize,
  name: usize,
  nameSize: usize,
  outId: usize,
): i32;
export declare function proxy_dequeue_shared_queue(id: u32, outPtr: usize, outSize: usize): i32;
export declare function proxy_enqueue_shared_queue(id: u32, item: usize, itemSize: usize): i32;
export declare function proxy_define_metric(type: i32, name: usize, nameSize: usize, outId: usize): i32;
export declare function proxy_increment_metric(id: u32, by: i64): i32;
export declare function proxy_record_metric(id: u32, value: u64): i32;
export declare function proxy_get_metric(id: u32, outValue: usize): i32;
export declare function proxy_set_effective_context(id: u32): i32;
export declare function proxy_call_foreign_function(
  name: usize,
  nameSize: usize,
  argument: usize,
  argumentSize: usize,
  outPtr: usize,
  outSize: usize,
): i32;
export declare function proxy_done(): i32;
