import * as z from "zod";
import { codes } from "../model/codes.ts";
import { parseSha256, phases, type WasmPlugin } from "../model/wasm-plugin.ts";
import { mapByKey, withCel } from "./cel.ts";
import { defined, duplicates, text, whole, withRule } from "./fields.ts";
import { show } from "./issues.ts";
import type { Column, KindSchema, Remark } from "./kind-schema.ts";
import { metaOf, strictObject } from "./metadata.ts";
import { wasmPluginStatus } from "./status.ts";
import { notYet } from "./walk.ts";
import { oneSelection, workloadSelection } from "./workload-selection.ts";

const schemes = ["file", "builtin"];

const goodUrls = "write file:///folder/module.wasm or builtin://<filter>";

const url = withRule(
  withCel(
    z.string({ error: ({ input }) => (input === undefined ? "is missing: url field needs to be set" : undefined) }),
    {
      rule: `self.matches("^(${schemes.join("|")})://")`,
      message: `url contains unsupported scheme; ${goodUrls}`,
      messageExpression: `self == "" ? 'is "": url field needs to be set' : 'is "' + self + '": url contains unsupported scheme: ' + (self.contains("://") ? self.split("://")[0] : "oci") + '; ${goodUrls}'`,
    },
  ),
  (value) => {
    if (value === "") return [{ message: 'is "": url field needs to be set' }];
    // Istio takes a url without a scheme for oci://
    const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\//.exec(value)?.[1] ?? "oci";
    return schemes.includes(scheme)
      ? []
      : [
          {
            message: `is ${show(value)}: url contains unsupported scheme: ${scheme}; ${goodUrls}`,
          },
        ];
  },
);

const sha256Pattern = "sha256 field must match [a-f0-9]{64} pattern";
const sha256Length = "sha256 field must be 64 characters long";

const sha256 = withCel(
  text((value) => {
    if (value === "" || parseSha256(value) !== undefined) return undefined;
    return value.length === 64 ? sha256Pattern : `${sha256Length}, and this has ${value.length}`;
  }),
  {
    rule: 'self.matches("^([a-f0-9]{64})?$")',
    message: sha256Pattern,
    messageExpression: `'is "' + self + '": ' + (self.size() == 64 ? "${sha256Pattern}" : "${sha256Length}")`,
  },
);

const valueBesideHost = "value may only be set when valueFrom is INLINE";

const variable = withRule(
  withCel(
    z.strictObject({
      name: z.string().min(1).max(256),
      valueFrom: z
        .enum(["INLINE", "HOST"])
        .optional()
        .describe("HOST: the proxy's own variable of that name. Default: INLINE."),
      value: z.string().max(2048).optional().describe("With INLINE. Default: empty."),
    }),
    {
      rule: '!(has(self.valueFrom) && self.valueFrom == "HOST" && has(self.value) && self.value != "")',
      message: valueBesideHost,
      messageExpression: `'is "' + self.value + '": ${valueBesideHost}'`,
      fieldPath: ".value",
    },
  ),
  ({ valueFrom, value = "" }) =>
    valueFrom === "HOST" && value !== "" ? [{ path: ["value"], message: `is ${show(value)}: ${valueBesideHost}` }] : [],
);

const env = withRule(mapByKey(z.array(variable).max(256), "name"), (items) =>
  duplicates(items, { of: ({ name }) => name, path: (i) => [i, "name"] }, (name) => `is ${name}: duplicate env`),
);

const trafficSelector = z.strictObject({
  mode: z
    .enum(["UNDEFINED", "CLIENT", "SERVER", "CLIENT_AND_SERVER"])
    .optional()
    .describe("CLIENT: outbound and gateways; SERVER: inbound. Default: CLIENT_AND_SERVER."),
  ports: mapByKey(z.array(z.strictObject({ number: whole() })), "number")
    .optional()
    .describe("Service ports outbound, target ports inbound. Default: all."),
});

const match = withRule(z.array(trafficSelector), (selectors) =>
  selectors.flatMap(({ ports = [] }, i) =>
    ports.flatMap(({ number }, j) =>
      number >= 1 && number <= 65535
        ? []
        : [
            {
              path: [i, "ports", j, "number"],
              message: `is ${number}: spec.Match[${i}].Ports[${j}] is out of range: ${number}; port numbers are 1 to 65535`,
            },
          ],
    ),
  ),
);

const fields = withCel(
  z.strictObject({
    ...workloadSelection("the plugin would act on more workloads"),
    url: url.describe("file:///path/module.wasm or builtin://<filter>."),
    sha256: sha256.optional().describe("Of the module's bytes: 64 lower-case hex digits."),
    phase: z.enum(phases).optional().describe("Where in the chain. Default: UNSPECIFIED_PHASE, next to the router."),
    priority: whole()
      .min(-2_147_483_648)
      .max(2_147_483_647)
      .meta({ nullable: true })
      .optional()
      .describe("Higher runs earlier; unset runs last."),
    pluginConfig: z.record(z.string(), z.unknown()).optional().describe("The filter's own configuration."),
    pluginName: z
      .string()
      .max(256, { error: "is too long: pluginName field must be less than 255 characters long" })
      .optional()
      .describe("Chooses among the filters of one module (Envoy's root_id). Default: none."),
    failStrategy: z
      .enum(["FAIL_CLOSE", "FAIL_OPEN", "FAIL_RELOAD"])
      .optional()
      .describe("What happens to requests when the filter traps. Default: FAIL_CLOSE, which runs as FAIL_RELOAD."),
    vmConfig: z
      .strictObject({ env: env.optional().describe("Environment variables that the filter sees.") })
      .optional()
      .describe("Of the VM that runs the module."),
    match: match.optional().describe("Traffic it acts on; any one must match. Default: all."),
    type: z
      .enum(["UNSPECIFIED_PLUGIN_TYPE", "HTTP", "NETWORK"])
      .optional()
      .describe("HTTP: sees requests; NETWORK: sees connections that speak no HTTP. Default: HTTP."),
    imagePullPolicy: notYet("has no effect: modules are not pulled from a registry yet", "text"),
    imagePullSecret: notYet("has no effect: modules are not pulled from a registry yet", "text"),
    verificationKey: notYet("has no effect yet: no signature is checked", "text"),
  }),
  oneSelection,
);

type Fields = z.output<typeof fields>;

function readEnv(variables: readonly z.output<typeof variable>[] = []): WasmPlugin["env"] {
  return Object.fromEntries(
    variables.map(({ name, valueFrom, value = "" }) => [name, valueFrom === "HOST" ? ("HOST" as const) : { value }]),
  );
}

function read(spec: Fields): WasmPlugin {
  return defined({
    selector: spec.selector?.matchLabels,
    url: spec.url,
    type: spec.type === "NETWORK" ? ("NETWORK" as const) : ("HTTP" as const),
    sha256: parseSha256(spec.sha256 ?? ""),
    phase: spec.phase ?? "UNSPECIFIED_PHASE",
    priority: spec.priority,
    pluginConfig: spec.pluginConfig,
    pluginName: spec.pluginName ?? "",
    failStrategy: spec.failStrategy ?? "FAIL_CLOSE",
    env: readEnv(spec.vmConfig?.env),
    match: (spec.match ?? []).map(({ mode, ports = [] }) => ({
      mode: mode === undefined || mode === "UNDEFINED" ? ("CLIENT_AND_SERVER" as const) : mode,
      ports: ports.map(({ number }) => number),
    })),
  });
}

/** Envoy's own FAIL_CLOSED never makes the VM anew: one trap would answer 503 until the configuration changes. */
const failCloseRemark: Remark = {
  severity: "info",
  code: codes.failClose,
  path: ["spec", "failStrategy"],
  message:
    "is FAIL_CLOSE, which runs as Envoy's FAIL_RELOAD: after a trap requests are denied until the filter has been loaded again by itself",
};

/** In Istio they also stand before the connection manager. */
const networkRemark: Remark = {
  severity: "info",
  code: codes.noEffect,
  path: ["spec", "type"],
  message: "is NETWORK: the plugin sees connections that speak no HTTP; those that do, and gateways, pass without it",
};

const schema = strictObject(fields).transform(({ metadata, spec }) => ({
  meta: metaOf(metadata),
  spec: read(spec),
  remarks: [
    ...(spec.failStrategy === "FAIL_CLOSE" ? [failCloseRemark] : []),
    ...(spec.type === "NETWORK" ? [networkRemark] : []),
  ],
}));

/** Istio WasmPlugin. Whether the module can be loaded and takes its configuration is checked by `modules`. */
export const wasmPlugin: KindSchema<"WasmPlugin"> = {
  kind: "WasmPlugin",
  group: "extensions.istio.io",
  versions: ["v1alpha1"],
  schema,
  shown: {
    description: "A proxy-wasm filter for the proxies of workloads.",
    status: wasmPluginStatus,
    columns: [
      condition("Accepted"),
      condition("Programmed"),
      condition("Degraded"),
      { name: "Proxies", type: "integer", jsonPath: ".status.proxies.matched" },
      { name: "Digest", type: "string", jsonPath: ".status.digest" },
      { name: "Acknowledged", type: "integer", jsonPath: ".status.proxies.acknowledged", priority: 1 },
      { name: "Refused", type: "integer", jsonPath: ".status.proxies.refused", priority: 1 },
      { name: "URL", type: "string", jsonPath: ".spec.url", priority: 1 },
    ],
  },
};

function condition(type: string): Column {
  return { name: type, type: "string", jsonPath: `.status.conditions[?(@.type=="${type}")].status` };
}
