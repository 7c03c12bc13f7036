import * as z from "zod";
import type { PeerAuthentication } from "../model/peer-authentication.ts";
import { withCel } from "./cel.ts";
import { type Complaint, defined, withRule } from "./fields.ts";
import type { KindSchema } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { selector } from "./workload-selection.ts";

const mutualTls = z.strictObject({
  mode: z
    .enum(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"])
    .optional()
    .describe("STRICT: only mutual TLS; PERMISSIVE: that and plain text; DISABLE: plain text. Default: the parent's."),
});

const portMessage = "has a key that is no port: port numbers are 1 to 65535";

const portLevelMtls = withCel(
  withRule(z.record(z.string(), mutualTls), (value) => {
    const isPort = (key: string): boolean => /^[1-9][0-9]{0,4}$/.test(key) && Number(key) <= 65535;
    return Object.keys(value).every(isPort) ? [] : [{ message: portMessage }];
  }),
  { rule: "self.all(key, 0 < int(key) && int(key) <= 65535)", message: portMessage },
);

const fields = z.strictObject({
  selector,
  mtls: mutualTls.optional().describe("Of all ports. Default: PERMISSIVE."),
  portLevelMtls: portLevelMtls.optional().describe("By the workload's own port. Only beside a selector."),
});

const selectorMessage = "needs selector.matchLabels, which say whose ports these are";

function rules({ selector: chosen, portLevelMtls: ports }: z.output<typeof fields>): Complaint[] {
  const isSelective = Object.keys(chosen?.matchLabels ?? {}).length > 0;
  return ports === undefined || isSelective ? [] : [{ path: ["portLevelMtls"], message: selectorMessage }];
}

const spec = withCel(withRule(fields, rules), {
  rule: "!has(self.portLevelMtls) || (has(self.selector) && has(self.selector.matchLabels) && self.selector.matchLabels.size() > 0)",
  message: selectorMessage,
  fieldPath: ".portLevelMtls",
});

const schema = strictObject(spec.optional()).transform(({ metadata, spec: own = {} }) => ({
  meta: metaOf(metadata),
  spec: defined({
    selector: own.selector && (own.selector.matchLabels ?? {}),
    mode: own.mtls?.mode ?? "UNSET",
    portLevelMtls: new Map(
      Object.entries(own.portLevelMtls ?? {}).map(([port, { mode = "UNSET" }]) => [Number(port), mode]),
    ),
  }) satisfies PeerAuthentication,
}));

/** Istio PeerAuthentication. */
export const peerAuthentication: KindSchema<"PeerAuthentication"> = {
  kind: "PeerAuthentication",
  group: "security.istio.io",
  versions: ["v1", "v1beta1"],
  schema,
  shown: {
    description: "Whether workloads take mutual TLS, plain text or both: of the mesh, a namespace or some workloads.",
    shortNames: ["pa"],
    columns: [{ name: "Mode", type: "string", jsonPath: ".spec.mtls.mode" }],
  },
};
