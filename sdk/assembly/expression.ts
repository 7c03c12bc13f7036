import { callForeign } from "./foreign";
import { OUT_LONG, SECOND, valueBytes, valuePtr, valueSize } from "./host-memory";
import { decodePairs, Pair } from "./pairs";
import { Status } from "./status";
import { decodeUtf8 } from "./utf8";

/**
 * An expression in CEL over Envoy's attributes, such as `request.method == 'GET' && size(request.path) > 100`: several of them in one
 * call of the host. It sees what the running callback's own context sees, also where another one was made effective.
 * Compile it once, in `onConfigure`; it ends with its plugin, or with `delete`.
 */
@final
@unmanaged
export class Expression {
  /** The host's number of it, from 0 on. It is all that an expression is: nothing is allocated. */
  constructor(id: u32) {
    return changetype<Expression>(<usize>id + 1); // 0 is null
  }

  private get id(): u32 {
    return <u32>changetype<usize>(this) - 1;
  }

  /** Compiles it; null if it is no CEL, for which Envoy's log has the reason at level info. */
  static compile(text: string): Expression | null {
    const source = SECOND.text(text);
    const status = callForeign("expr_create", source.ptr, source.size);
    return status == Status.Ok && valueSize() == 4 ? new Expression(load<u32>(valuePtr())) : null;
  }

  /** The result where it is a bool. `missing`: it is none, or has no value, as of an attribute that does not exist now. */
  bool(missing: bool = false): bool {
    return this.evaluate() && valueSize() == 1 ? load<u8>(valuePtr()) != 0 : missing;
  }

  /** The result where it is an int, a timestamp or a duration (nanoseconds). */
  i64(missing: i64 = 0): i64 {
    return this.evaluate() && valueSize() == 8 ? load<i64>(valuePtr()) : missing;
  }

  /** The result where it is a double. */
  f64(missing: f64 = 0): f64 {
    return this.evaluate() && valueSize() == 8 ? load<f64>(valuePtr()) : missing;
  }

  /** The result where it is a string; null if it has no value. */
  string(): string | null {
    return this.evaluate() ? decodeUtf8(valuePtr(), valueSize()) : null;
  }

  bytes(): Uint8Array | null {
    return this.evaluate() ? valueBytes() : null;
  }

  /** A list's elements where they are strings, as `[request.path, request.method]`: one call of the host. Empty if there is no value. */
  strings(): string[] {
    const pairs = this.entries();
    const strings = new Array<string>(pairs.length);
    for (let i = 0; i < pairs.length; i++) strings[i] = pairs[i].name;
    return strings;
  }

  /** A map's entries; of a list: its elements as names. Empty if there is no value. */
  entries(): Pair[] {
    return this.evaluate() ? decodePairs(valuePtr(), valueSize()) : [];
  }

  /** Gives back what Envoy keeps for it; it has no value then. */
  delete(): Status {
    store<u32>(OUT_LONG, this.id);
    return callForeign("expr_delete", OUT_LONG, 4);
  }

  private evaluate(): bool {
    store<u32>(OUT_LONG, this.id);
    return callForeign("expr_evaluate", OUT_LONG, 4) == Status.Ok;
  }
}
