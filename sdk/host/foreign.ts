// Functions that Envoy has beyond the ABI, by name.
// @see Envoy source/extensions/common/wasm/foreign.cc
import { deflateSync, inflateSync } from "node:zlib";
import * as Status from "../abi/status.ts";
import { type ByteString, toByteString } from "./bytes.ts";
import { declareProperty, setEnvoyFilterState } from "./filter-state.ts";
import type { ForeignResult, Hostcalls, VmScope } from "./scope.ts";
import { signText, verifySignature } from "./signatures.ts";

const functions: Readonly<Record<string, (argument: ByteString, vm: VmScope) => ForeignResult>> = {
  clear_route_cache(_argument, vm) {
    vm.context().stream?.clearRouteCache();
    return [Status.Ok];
  },
  compress: (argument) => [Status.Ok, toByteString(deflateSync(Buffer.from(argument, "latin1")))],
  declare_property: declareProperty,
  set_envoy_filter_state: setEnvoyFilterState,
  sign: signText,
  verify_signature: verifySignature,
  expr_create: (argument, vm) => vm.called().root?.expressions.create(argument, vm) ?? [Status.BadArgument],
  expr_evaluate: (argument, vm) => vm.called().root?.expressions.evaluate(argument, vm) ?? [Status.BadArgument],
  expr_delete: (argument, vm) => vm.called().root?.expressions.delete(argument) ?? [Status.BadArgument],
  uncompress(argument) {
    try {
      return [Status.Ok, toByteString(inflateSync(Buffer.from(argument, "latin1")))];
    } catch {
      return [Status.SerializationFailure];
    }
  },
};

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
      if (!Object.hasOwn(functions, name)) return Status.NotFound;
      const [status, bytes] = functions[name]?.(argument, vm) ?? [Status.NotFound];
      if (bytesOut === 0) return status;
      const given = vm.memory.give(bytes ?? "", bytesOut, sizeOut, bytes !== undefined);
      return given === Status.Ok ? status : given;
    },
  };
}
