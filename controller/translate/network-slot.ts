// What stands in a TCP chain before it leads to a cluster: a slot for each phase, and one for the built-in telemetry.
//
// Envoy has nothing for network filters that holds an ordered list, or that chooses by port: Composite is for HTTP, and a
// match delegate is not in its stock binary (1.40). So each port has slots of its own, and each slot holds one filter.
import { RBACSchema } from "../gen/envoy/extensions/filters/network/rbac/v3/rbac_pb.js";
import { WasmSchema } from "../gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.js";
import { type NetworkSlot, networkPhases, networkSlotName } from "../model/names.ts";
import { ads } from "./common.ts";
import { any, type Body } from "./encode.ts";
import type { NetworkFilter } from "./listener.ts";
import type { Filter } from "./slot-matcher.ts";

const typeUrls = [WasmSchema, RBACSchema].map(({ typeName }) => `type.googleapis.com/${typeName}`);

/** The slots of a chain, in the order in which a connection passes them. */
export function networkSlotFilters(of: Pick<NetworkSlot, "direction" | "port">): NetworkFilter[] {
  return networkPhases.map((phase) => ({
    name: networkSlotName({ ...of, phase }),
    configType: { case: "configDiscovery", value: { configSource: ads, typeUrls } },
  }));
}

/** The resource of a slot. Without a filter it lets connections pass. */
export function networkSlotOf(name: string, filter: Filter | undefined): Body<"ECDS"> {
  return { name, typedConfig: filter?.typedConfig ?? any(RBACSchema, { statPrefix: "empty" }) };
}

/** A network filter that closes every connection with its first bytes. */
export function denyConnections(name: string): Filter {
  return { name, typedConfig: any(RBACSchema, { rules: {}, statPrefix: "wasm-default-deny" }) };
}
