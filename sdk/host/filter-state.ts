// Filter state beyond proxy_set_property: the foreign functions set_envoy_filter_state and declare_property.
// @see Envoy source/extensions/common/wasm/ext/set_envoy_filter_state.proto, declare_property.proto, foreign.cc
import * as Status from "../abi/status.ts";
import { type ByteString, toText } from "./bytes.ts";
import { EnvoyBug, NotEmulated } from "./errors.ts";
import { decodeFields } from "./protobuf.ts";
import type { ForeignResult, VmScope } from "./scope.ts";

/** What a plugin has said of a property of its own. */
export interface DeclaredProperty {
  /** Only the first value counts. */
  readonly isReadonly: boolean;
  /** A string for CEL, else bytes. */
  readonly isText: boolean;
}

/** An object of Envoy's own. */
export interface EnvoyObject {
  /** Undefined of one that Envoy keeps and can't be read. */
  readonly value: ByteString | undefined;
  /** 0: of the filter chain, 1: of the request, 2: of the connection. */
  readonly lifeSpan: number;
}

/** Objects of Envoy 1.40 that read as they were written: any text, or a number. */
const texts = new Set([
  "envoy.hashable_string",
  "envoy.network.network_namespace",
  "envoy.network.upstream_server_name",
  "envoy.network.upstream_subject_alt_names",
  "envoy.string",
  "envoy.tcp_proxy.cluster",
  "envoy.tcp_proxy.disable_tunneling",
  "envoy.upstream.dynamic_host",
]);
const numbers = new Set([
  "envoy.ratelimit.hits_addend",
  "envoy.tcp_proxy.per_connection_idle_timeout_ms",
  "envoy.upstream.dynamic_port",
]);

const unreadable = new Set(["envoy.network.application_protocols"]);

/** Those that have a form of their own. */
const others = new Set([
  "envoy.ai.llm_protocol.request",
  "envoy.ai.model.request",
  "envoy.bool",
  "envoy.filters.listener.original_dst.local_ip",
  "envoy.filters.listener.original_dst.remote_ip",
  "envoy.network.ip",
  "envoy.network.transport_socket.http_11_proxy.info",
  "envoy.network.transport_socket.original_dst_address",
  "envoy.router.debug_config",
]);

/** SetEnvoyFilterStateArguments { path = 1, value = 2, span = 3 }. */
export function setEnvoyFilterState(argument: ByteString, vm: VmScope): ForeignResult {
  const given = decodeFields(argument);
  if (given === undefined) return [Status.BadArgument];
  const [path, value] = [given.bytes(1), given.bytes(2)];
  if (others.has(path)) throw new NotEmulated(`set_envoy_filter_state(${path})`);
  if (![texts, numbers, unreadable].some((names) => names.has(path))) return [Status.NotFound];
  if (numbers.has(path) && !/^\d+$/.test(value)) return [Status.BadArgument];
  const { stream } = vm.context();
  if (stream === undefined) return [Status.NotFound];
  const lifeSpan = given.number(3) === 1 || given.number(3) === 2 ? given.number(3) : 0;
  const old = stream.envoyObjects.get(path);
  if (old !== undefined && old.lifeSpan !== lifeSpan)
    throw new EnvoyBug(`set_envoy_filter_state(${toText(path)}) again with another life span`);
  stream.envoyObjects.set(path, { value: unreadable.has(path) ? undefined : value, lifeSpan });
  return [Status.Ok];
}

/** DeclarePropertyArguments { name = 1, readonly = 2, type = 3, schema = 4, span = 5 }. Counts where a root declares it. */
export function declareProperty(argument: ByteString, vm: VmScope): ForeignResult {
  const given = decodeFields(argument);
  if (given === undefined) return [Status.BadArgument];
  const [name, type] = [given.bytes(1), given.number(3)];
  if (type === 2 || type === 3)
    throw new NotEmulated(`declare_property(${toText(name)}) of a FlatBuffers or Protobuf type`);
  const { root, stream } = vm.called();
  if (root === undefined || stream !== undefined) return [Status.Ok];
  if (root.declared.has(name)) return [Status.BadArgument];
  root.declared.set(name, { isReadonly: given.number(2) !== 0, isText: type === 1 });
  return [Status.Ok];
}
