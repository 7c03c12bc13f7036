// proxy_get_property and proxy_set_property. What a property holds is the stream's business; filter state is here.
import * as Status from "../abi/status.ts";
import { groups } from "./attributes.ts";
import { type ByteString, toText } from "./bytes.ts";
import { encodeProperty } from "./property-value.ts";
import type { Hostcalls, StreamScope, VmScope } from "./scope.ts";

/** Envoy puts this before the key of a property that a module sets. */
const filterStatePrefix = "wasm.";

export function propertyCalls(vm: VmScope): Hostcalls {
  return {
    proxy_get_property(pathAddress: number, pathSize: number, valueOut: number, sizeOut: number) {
      const text = vm.memory.read(pathAddress, pathSize);
      if (text === undefined) return Status.InvalidMemoryAccess;
      if (text === "") return Status.SerializationFailure;
      const path = partsOf(text);
      const { stream } = vm.context();
      const value = stream === undefined ? vm.property(path) : stream.property(path);
      if (value !== undefined) return vm.memory.give(encodeProperty(value, toText(path.join("."))), valueOut, sizeOut);
      if (stream !== undefined && path.length === 1 && isGroup(path[0])) return Status.SerializationFailure;
      const key = filterStateKey(path);
      const state = key === undefined ? envoyObject(path, stream) : stream?.filterState.get(key);
      return state === undefined ? Status.NotFound : vm.memory.give(state, valueOut, sizeOut);
    },
    proxy_set_property(keyAddress: number, keySize: number, valueAddress: number, valueSize: number) {
      const key = vm.memory.read(keyAddress, keySize);
      const value = vm.memory.read(valueAddress, valueSize);
      if (key === undefined || value === undefined) return Status.InvalidMemoryAccess;
      const { stream, root } = vm.context();
      if (stream === undefined || stream.isReadonly) return Status.NotFound;
      if (root?.declared.get(key)?.isReadonly && stream.filterState.has(key)) return Status.BadArgument;
      stream.filterState.set(key, value);
      return Status.Ok;
    },
  };
}

/** A map that Envoy does not give as a whole. */
function isGroup(name = ""): boolean {
  return name === "filter_state" || name in groups;
}

/** Parts of a path, which NUL separates; one NUL at the end separates nothing. */
function partsOf(path: ByteString): ByteString[] {
  return (path.endsWith("\0") ? path.slice(0, -1) : path).split("\0");
}

/** `["k"]` and `["filter_state", "wasm.k"]` name the same; other paths name no filter state. */
function filterStateKey([first, second, ...rest]: readonly ByteString[]): ByteString | undefined {
  if (second === undefined) return first;
  if (first !== "filter_state" || rest.length > 0 || !second.startsWith(filterStatePrefix)) return undefined;
  return second.slice(filterStatePrefix.length);
}

function envoyObject(
  [first, name, ...rest]: readonly ByteString[],
  stream: StreamScope | undefined,
): ByteString | undefined {
  return first === "filter_state" && rest.length === 0 ? stream?.envoyObjects.get(name ?? "")?.value : undefined;
}
