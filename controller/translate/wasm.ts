import type { DescMessage } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { WasmSchema } from "../gen/envoy/extensions/filters/http/wasm/v3/wasm_pb.js";
import { WasmSchema as NetworkWasmSchema } from "../gen/envoy/extensions/filters/network/wasm/v3/wasm_pb.js";
import { FailurePolicy, type VmConfigSchema } from "../gen/envoy/extensions/wasm/v3/wasm_pb.js";
import { type Module, rootId, type WasmPlugin } from "../model/wasm-plugin.ts";
import { any, type Init, sorted } from "./encode.ts";
import type { Filter } from "./slot-matcher.ts";

export interface WasmFilter {
  readonly namespace: string;
  readonly name: string;
  readonly module: Module;
  /** The connection manager's, the router's, or a listener's own. */
  readonly chain: Module["attach"][number];
  readonly spec: Pick<WasmPlugin, "pluginName" | "pluginConfig" | "failStrategy" | "env">;
}

/** A plugin as Envoy runs it. All chains of one plugin have the same VM, and so the same shared data. */
export function wasmFilter({ namespace, name, module, chain, spec }: WasmFilter): Filter {
  const configuration = spec.pluginConfig && any(StringValueSchema, { value: JSON.stringify(spec.pluginConfig) });
  const schema = chain === "network" ? NetworkWasmSchema : WasmSchema;
  const typedConfig = any<DescMessage>(schema, {
    config: {
      name: `${namespace}.${name}`,
      rootId: rootId(module.attach, chain, spec.pluginName),
      vm: { case: "vmConfig", value: vmConfig(`${namespace}/${name}`, module, spec.env) },
      ...(configuration ? { configuration } : {}),
      failurePolicy: failurePolicies[spec.failStrategy],
    },
  });
  return { name: `${namespace}.${name}`, typedConfig };
}

/** A trap under FAIL_CLOSED answers 503 until the configuration changes; FAIL_RELOAD starts the module anew. */
const failurePolicies = {
  FAIL_CLOSE: FailurePolicy.FAIL_RELOAD,
  FAIL_RELOAD: FailurePolicy.FAIL_RELOAD,
  FAIL_OPEN: FailurePolicy.FAIL_OPEN,
} as const;

/** @param vmId the same over all versions of a plugin: shared data dies with the last VM of its id */
function vmConfig(vmId: string, module: Module, env: WasmPlugin["env"]): Init<typeof VmConfigSchema> {
  const values = sorted(env).flatMap(([name, from]) => (from === "HOST" ? [] : [[name, from.value] as const]));
  const hostEnvKeys = sorted(env).flatMap(([name, from]) => (from === "HOST" ? [name] : []));
  return {
    vmId,
    runtime: "envoy.wasm.runtime.v8",
    code: {
      specifier: { case: "local", value: { specifier: { case: "inlineBytes", value: module.bytes } } },
    },
    ...(values.length > 0 || hostEnvKeys.length > 0
      ? { environmentVariables: { keyValues: Object.fromEntries(values), hostEnvKeys } }
      : {}),
    capabilityRestrictionConfig: {
      allowedCapabilities: Object.fromEntries(module.capabilities.toSorted().map((name) => [name, {}])),
    },
  };
}
