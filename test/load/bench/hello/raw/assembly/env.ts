// The hostcall that the raw filter makes. The name of this file is the name of the module that it is imported from.
export declare function proxy_add_header_map_value(
  map: i32,
  name: usize,
  nameSize: usize,
  value: usize,
  valueSize: usize,
): i32;
