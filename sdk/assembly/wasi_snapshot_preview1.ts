// The calls of WASI that the SDK needs. The name of this file is the name of the module that they are imported from.

export declare function clock_time_get(clock: i32, precision: i64, out: usize): i32;
export declare function environ_sizes_get(outCount: usize, outSize: usize): i32;
export declare function environ_get(outPointers: usize, outTexts: usize): i32;
