// Functions that Envoy has beyond the ABI, by name.
// @see Envoy source/extensions/common/wasm/foreign.cc
import { deflateSync, inflateSync } from "node:zlib";
import * as Status from "../abi/status.ts";
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { NotEmulated } from "./errors.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

/** A status, and bytes where there are any. */
type Result = readonly [status: number, bytes?: ByteString];

const functions: Readonly<Record<string, (argument: ByteString, vm: VmScope) => Result>> = {
  clear_route_cache(_argument, vm) {
    vm.context().stream?.clearRouteCache();
    return [Status.Ok];
  },
  compress: (argument) => [Status.Ok, toByteString(deflateSync(Buffer.from(argument, "latin1")))],
  uncompress(argument) {
    try {
      return [Status.Ok, toByteString(inflateSync(Buffer.from(argument, "latin1")))];
    } catch {
      return [Status.SerializationFailure];
    }
  },
};

/** What Envoy has and the host has not. */
const notEmulated: readonly string[] = [
  "declare_property",
  "expr_create",
  "expr_delete",
  "expr_evaluate",
  "set_envoy_filter_state",
  "sign",
  "verify_signature",
];

export function foreignCalls(vm: VmScope): Hostcalls {
  return {
    /** Address and size are written whatever the status is, where the module asks for them. */
    proxy_call_foreign_function(
      nameAddress: number,
      nameSize: number,
      argumentAddress: number,
      argumentSize: number,
      bytesOut: number,
      sizeOut: number,
    ) {
      const name = vm.memory.read(nameAddress, nameSize);
      const argument = vm.memory.read(argumentAddress, argumentSize);
      if (name === undefined || argument === undefined) return Status.InvalidMemoryAccess;
      if (notEmulated.includes(name)) throw new NotEmulated(`the foreign function ${toText(name)}`);
      if (!Object.hasOwn(functions, name)) return Status.NotFound;
      const [status, bytes = ""] = functions[name]?.(argument, vm) ?? [Status.NotFound];
      if (bytesOut === 0) return status;
      const given = vm.memory.give(bytes, bytesOut, sizeOut);
      return given === Status.Ok ? status : given;
    },
  };
}
