import { createHash } from "node:crypto";
import { parseNetworkSlotName } from "../model/names.ts";
import { parseSha256 } from "../model/wasm-plugin.ts";
import { shortDigest } from "../status/digest.ts";
import { typeName } from "./dump.ts";
import type { Matcher, OnMatch, TypedExtensionConfig, WasmCode } from "./envoy-json.ts";

export interface SlotPlugin {
  /** `shop/cart-budget`: its `vm_id`, one for all of its versions. */
  readonly name: string;
  /** First digits of the module's SHA-256; for a filter that is no module, the name of its type. */
  readonly module: string;
  /** `ALL`, `80,8080`, or `by authority`. */
  readonly ports: string;
}

/** Filters that run for one destination port, for all that have no list of their own, or as a further matcher decides. */
interface Chain {
  readonly port: string;
  readonly filters: readonly TypedExtensionConfig[];
}

const wasmTypes = ["http", "network"].map((kind) => `envoy.extensions.filters.${kind}.wasm.v3.Wasm`);
const matcherType = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";

/** The plugins of an ECDS resource in the order in which they run; none in an empty slot. */
export function slotPlugins(extension: TypedExtensionConfig): readonly SlotPlugin[] {
  const type = typeName(extension.typed_config);
  const port = parseNetworkSlotName(extension.name ?? "")?.port;
  if (wasmTypes.includes(type))
    return [{ ...pluginOf(extension), ports: port === undefined ? everyPort : String(port) }];
  if (type !== matcherType) return [];
  const chains = chainsOf(extension.typed_config?.xds_matcher ?? {});
  return merged(chains.map(({ filters }) => filters)).map((filter) => {
    const key = keyOf(filter);
    const holders = chains.filter(({ filters }) => filters.some((one) => keyOf(one) === key));
    return { ...pluginOf(filter), ports: portsText(holders.map(({ port }) => port)) };
  });
}

/**
 * The lists under a matcher. A port that leads to another matcher is an HTTP proxy's, where the port in the request's
 * authority chooses, in general among what the lists of the ports hold.
 */
function chainsOf(matcher: Matcher, inner?: string): readonly Chain[] {
  const ports = Object.entries(matcher.matcher_tree?.exact_match_map?.map ?? {});
  const others = [...(matcher.matcher_list?.matchers ?? []).map(({ on_match }) => on_match), matcher.on_no_match];
  const branches = [...ports, ...others.map((onMatch) => [everyPort, onMatch] as const)];
  return branches.flatMap(([port, onMatch]) =>
    onMatch?.matcher ? chainsOf(onMatch.matcher, byAuthority) : [{ port: inner ?? port, filters: filtersOf(onMatch) }],
  );
}

const everyPort = "ALL";
const byAuthority = "by authority";

function portsText(ports: readonly string[]): string {
  if (ports.includes(everyPort)) return everyPort;
  const numbers = ports.filter((port) => port !== byAuthority).sort((a, b) => Number(a) - Number(b));
  return numbers.length === 0 ? byAuthority : numbers.join(",");
}

function filtersOf(onMatch: OnMatch | undefined): readonly TypedExtensionConfig[] {
  const action = onMatch?.action?.typed_config;
  return action?.filter_chain?.typed_config ?? (action?.typed_config ? [action.typed_config] : []);
}

/** One list in which every filter stands once, in the order that all lists keep. */
function merged(lists: readonly (readonly TypedExtensionConfig[])[]): readonly TypedExtensionConfig[] {
  const all: TypedExtensionConfig[] = [];
  for (const list of lists) {
    let next = 0;
    for (const filter of list) {
      const at = all.findIndex((one) => keyOf(one) === keyOf(filter));
      if (at < 0) all.splice(next, 0, filter);
      next = at < 0 ? next + 1 : at + 1;
    }
  }
  return all;
}

/** Two versions of one plugin that share the traffic are two. */
function keyOf(filter: TypedExtensionConfig): string {
  const { name, module } = pluginOf(filter);
  return `${name} ${module}`;
}

function pluginOf({ name = "", typed_config }: TypedExtensionConfig): Omit<SlotPlugin, "ports"> {
  const type = typeName(typed_config);
  if (!wasmTypes.includes(type)) return { name, module: type.split(".").at(-1) || "-" };
  const { name: plugin, vm_config: vm } = typed_config?.config ?? {};
  return { name: vm?.vm_id || plugin || name, module: moduleText(vm?.code) };
}

function moduleText({ local, remote }: WasmCode = {}): string {
  if (local?.filename) return local.filename;
  const bytes = local?.inline_bytes;
  const text = bytes ? createHash("sha256").update(Buffer.from(bytes, "base64")).digest("hex") : remote?.sha256;
  const digest = parseSha256(text ?? "");
  return digest === undefined ? "-" : shortDigest(digest);
}
