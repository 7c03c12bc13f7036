// The hostcalls on header maps. Which maps there are is the stream's business; what to answer without one is here.
import * as MapType from "../abi/map-type.ts";
import * as Status from "../abi/status.ts";
import { EnvoyBug } from "./errors.ts";
import type { HeaderMap } from "./header-map.ts";
import { decodePairs, encodePairs } from "./pairs.ts";
import type { Hostcalls, VmScope } from "./scope.ts";

export function headerCalls(vm: VmScope): Hostcalls {
  const readable = (type: number) => {
    const { stream, root } = vm.context();
    return root?.received?.maps?.[type] ?? stream?.readableMap(type);
  };

  /** Applies a change to a map that this phase can change. */
  function change(hostcall: string, type: number, apply: (map: HeaderMap) => void): number {
    const { stream } = vm.context();
    const map = stream?.writableMap(type);
    if (map === undefined) return Status.BadArgument;
    if (stream?.logging && type === MapType.RequestHeaders)
      throw new EnvoyBug(
        `${hostcall}(RequestHeaders) in on_log: the route can no longer be chosen anew; read only there`,
      );
    apply(map);
    if (type === MapType.RequestHeaders) stream?.clearRouteCache();
    return Status.Ok;
  }

  /** `add` and `replace`. */
  const write =
    (hostcall: string, method: "add" | "replace") =>
    (type: number, nameAddress: number, nameSize: number, valueAddress: number, valueSize: number) => {
      if (!isMapType(type)) return Status.BadArgument;
      const name = vm.memory.read(nameAddress, nameSize);
      const value = vm.memory.read(valueAddress, valueSize);
      if (name === undefined || value === undefined) return Status.InvalidMemoryAccess;
      return change(hostcall, type, (map) => map[method](name, value));
    };

  return {
    proxy_get_header_map_value(type: number, nameAddress: number, nameSize: number, valueOut: number, sizeOut: number) {
      if (!isMapType(type)) return Status.BadArgument;
      const name = vm.memory.read(nameAddress, nameSize);
      if (name === undefined) return Status.InvalidMemoryAccess;
      const map = readable(type);
      if (map === undefined) return vm.context().stream?.logging ? Status.NotFound : Status.BadArgument;
      const value = map.first(name);
      return value === undefined ? Status.NotFound : vm.memory.give(value, valueOut, sizeOut);
    },
    proxy_add_header_map_value: write("proxy_add_header_map_value", "add"),
    proxy_replace_header_map_value: write("proxy_replace_header_map_value", "replace"),
    proxy_remove_header_map_value(type: number, nameAddress: number, nameSize: number) {
      if (!isMapType(type)) return Status.BadArgument;
      const name = vm.memory.read(nameAddress, nameSize);
      if (name === undefined) return Status.InvalidMemoryAccess;
      return change("proxy_remove_header_map_value", type, (map) => map.remove(name));
    },
    proxy_get_header_map_pairs(type: number, blockOut: number, sizeOut: number) {
      if (!isMapType(type)) return Status.BadArgument;
      const pairs = readable(type)?.pairs ?? [];
      return vm.memory.give(pairs.length === 0 ? "" : encodePairs(pairs), blockOut, sizeOut);
    },
    proxy_set_header_map_pairs(type: number, blockAddress: number, blockSize: number) {
      if (!isMapType(type)) return Status.BadArgument;
      const block = vm.memory.read(blockAddress, blockSize);
      if (block === undefined) return Status.InvalidMemoryAccess;
      return change("proxy_set_header_map_pairs", type, (map) => {
        map.clear();
        for (const [name, value] of decodePairs(block)) map.add(name, value);
      });
    },
    /** The size is in bytes, whatever the specification says. */
    proxy_get_header_map_size(type: number, sizeOut: number) {
      if (!isMapType(type)) return Status.BadArgument;
      const map = vm.context().stream?.writableMap(type);
      if (map === undefined) return Status.BadArgument;
      return vm.memory.writeWord(sizeOut, map.sizeBytes) ? Status.Ok : Status.InvalidMemoryAccess;
    },
  };
}

function isMapType(type: number): boolean {
  return type >= MapType.RequestHeaders && type <= MapType.HttpCallResponseTrailers;
}
