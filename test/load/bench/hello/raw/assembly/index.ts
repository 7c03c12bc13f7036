// examples/filters/hello by hand: the exports that Envoy calls, and nothing else.
import { proxy_add_header_map_value } from "./env";

const NAME = memory.data<u8>([0x78, 0x2d, 0x68, 0x65, 0x6c, 0x6c, 0x6f]);
const VALUE = memory.data<u8>([0x66, 0x72, 0x6f, 0x6d, 0x20, 0x73, 0x6c, 0x75, 0x69, 0x63, 0x65]);

export function proxy_abi_version_0_2_1(): void {}

export function proxy_on_memory_allocate(size: usize): usize {
  return heap.alloc(size);
}

export function proxy_on_context_create(id: u32, parent: u32): void {}

export function proxy_on_request_headers(id: u32, count: u32, endOfStream: i32): i32 {
  proxy_add_header_map_value(0, NAME, 7, VALUE, 11);
  return 0;
}

export function proxy_on_response_headers(id: u32, count: u32, endOfStream: i32): i32 {
  proxy_add_header_map_value(2, NAME, 7, VALUE, 11);
  return 0;
}
