// A translation as a bootstrap that needs no control plane, for `envoy --mode validate`: what it would get by EDS, RDS,
// ECDS and SDS stands in it.
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Certificate } from "../../model/certificate.ts";
import type { Snapshot, XdsType } from "../../model/resource.ts";
import { secrets } from "../secrets.ts";
import { json, jsonOf } from "./json.ts";

export function staticBootstrap(snapshot: Snapshot): JsonObject {
  const named = (type: XdsType, name: JsonValue | undefined): JsonObject => {
    const resource = snapshot[type].get(String(name));
    if (!resource) throw new Error(`${type} ${String(name)} is asked for and not there`);
    return json(resource);
  };
  /** Puts what a message asks for by name in its place, at any depth. */
  const filled = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(filled);
    if (value === null || typeof value !== "object") return value;
    const { rds, config_discovery, eds_cluster_config, ...others } = value;
    const { tls_certificate_sds_secret_configs, combined_validation_context, ...rest } = others;
    const config: JsonObject = Object.fromEntries(Object.entries(rest).map(([key, one]) => [key, filled(one)]));
    if (isObject(rds)) config["route_config"] = { ...named("RDS", rds["route_config_name"]), validate_clusters: false };
    if (config_discovery !== undefined) config["typed_config"] = named("ECDS", rest["name"])["typed_config"] ?? null;
    if (isObject(eds_cluster_config)) {
      config["type"] = "STATIC";
      config["load_assignment"] = named("EDS", eds_cluster_config["service_name"]);
    }
    if (Array.isArray(tls_certificate_sds_secret_configs)) {
      const secrets = tls_certificate_sds_secret_configs.filter(isObject);
      config["tls_certificates"] = secrets.map(({ name }) => named("SDS", name)["tls_certificate"] ?? null);
    }
    if (isObject(combined_validation_context)) {
      const { default_validation_context: own, validation_context_sds_secret_config: roots } =
        combined_validation_context;
      const shared = isObject(roots) ? named("SDS", roots["name"])["validation_context"] : {};
      config["validation_context"] = { ...(isObject(own) ? own : {}), ...(isObject(shared) ? shared : {}) };
    }
    return config;
  };
  return {
    node: { id: "test", cluster: "test" },
    static_resources: {
      clusters: jsonOf(snapshot, "CDS").map(filled),
      listeners: jsonOf(snapshot, "LDS").map(filled),
    },
  };
}

/** The translation and the secrets of a workload, which a proxy gets beside it. */
export function withSecrets(snapshot: Snapshot, certificate: Certificate): Snapshot {
  return { ...snapshot, SDS: secrets(certificate) };
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
