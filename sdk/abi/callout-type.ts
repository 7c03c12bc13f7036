// Kinds of calls: the last two bits of their tokens. Read by asc and by tsc.
// @see proxy-wasm-cpp-host include/proxy-wasm/wasm.h, "kCalloutTypeMask"

export const Http = 0;
export const GrpcCall = 1;
export const GrpcStream = 2;
