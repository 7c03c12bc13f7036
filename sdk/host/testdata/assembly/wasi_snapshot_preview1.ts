// WASI calls of the test modules. The name of this file is the name of the module that they are imported from.

export declare function clock_time_get(id: i32, precision: i64, out: usize): i32;
