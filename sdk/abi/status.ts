// What a hostcall returns: WasmResult of proxy-wasm 0.2.1, as Envoy has it. Read by asc and by tsc.
// @see proxy-wasm spec abi-versions/v0.2.1 "proxy_status_t"; 5, 9 and 11 stand in Envoy's host only.

export const Ok = 0;
/** No such header, property, key, metric or callout. */
export const NotFound = 1;
/** A wrong argument, or a header map that this phase does not have. */
export const BadArgument = 2;
export const SerializationFailure = 3;
export const ParseFailure = 4;
export const BadExpression = 5;
export const InvalidMemoryAccess = 6;
/** The queue is empty. */
export const Empty = 7;
/** Shared data: somebody else wrote since it was read. */
export const CasMismatch = 8;
export const ResultMismatch = 9;
/** Also what a hostcall denied by capability restriction returns. */
export const InternalFailure = 10;
export const BrokenConnection = 11;
export const Unimplemented = 12;
