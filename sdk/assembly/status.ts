import * as abi from "../abi/status";

/** What a call of the host answers. Reads answer null instead of a status. */
export enum Status {
  Ok = abi.Ok,
  /** No such header, property, key, metric or callout. */
  NotFound = abi.NotFound,
  /** A wrong argument, or a header map that this phase does not have. */
  BadArgument = abi.BadArgument,
  SerializationFailure = abi.SerializationFailure,
  ParseFailure = abi.ParseFailure,
  BadExpression = abi.BadExpression,
  InvalidMemoryAccess = abi.InvalidMemoryAccess,
  /** The queue is empty. */
  Empty = abi.Empty,
  /** Shared data: somebody else wrote since it was read. */
  CasMismatch = abi.CasMismatch,
  ResultMismatch = abi.ResultMismatch,
  /** Also: the plugin may not make this call (capability restriction). */
  InternalFailure = abi.InternalFailure,
  BrokenConnection = abi.BrokenConnection,
  Unimplemented = abi.Unimplemented,
}
