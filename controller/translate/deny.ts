import { RBACSchema } from "../gen/envoy/extensions/filters/http/rbac/v3/rbac_pb.js";
import { parseNetworkSlotName, parseSlotName } from "../model/names.ts";
import type { Resource, XdsType } from "../model/resource.ts";
import { any, encode } from "./encode.ts";
import { denyConnections, networkSlotOf } from "./network-slot.ts";
import { type Filter, slotOf } from "./slot-matcher.ts";

/** An HTTP filter that answers every request with 403, as Istio's agent puts it where a module can't be had. */
export function denyFilter(name: string): Filter {
  return { name, typedConfig: any(RBACSchema, { rules: {}, rulesStatPrefix: "wasm-default-deny" }) };
}

/**
 * What a proxy gets when it asks by name for something that the control plane does not know, since an unanswered
 * request would leave its listener or cluster warming for ever: a filter that answers 403 or closes the connection, a route configuration that
 * answers 503, a cluster without endpoints. CDS and LDS are not asked for by name;
 * a secret that is not the proxy's own ends its stream.
 */
export function deny(type: Exclude<XdsType, "CDS" | "LDS" | "SDS">, name: string): Resource {
  switch (type) {
    case "ECDS": {
      if (parseNetworkSlotName(name))
        return encode("ECDS", name, networkSlotOf(name, denyConnections(name)), { stopgap: true });
      const slot = slotOf(name, { byPort: new Map(), otherwise: [denyFilter("deny")] });
      return encode("ECDS", name, parseSlotName(name) ? slot : { ...denyFilter(name) }, { stopgap: true });
    }
    case "RDS":
      return encode(
        "RDS",
        name,
        { name, virtualHosts: [{ name: "deny", domains: ["*"], routes: [unavailable] }] },
        { stopgap: true },
      );
    case "EDS":
      return encode("EDS", name, { clusterName: name }, { stopgap: true });
  }
}

const unavailable = {
  name: "deny",
  match: { pathSpecifier: { case: "prefix", value: "/" } },
  action: { case: "directResponse", value: { status: 503 } },
} as const;
