// What a node must know of its cluster: kept current by watches.
import type { V1ConfigMap, V1EndpointSlice, V1Secret, V1Service } from "@kubernetes/client-node";
import type { KubeApi, KubeObject } from "./api.ts";
import { Watched } from "./watched.ts";

/** An object as the API server sends it: the generated types say Date where the wire has text. */
export type Wire<T> = T & KubeObject;

export interface Objects {
  readonly configMaps: Watched<Wire<V1ConfigMap>>;
  readonly secrets: Watched<Wire<V1Secret>>;
  readonly services: Watched<Wire<V1Service>>;
  readonly slices: Watched<Wire<V1EndpointSlice>>;
  stop(): void;
}

/** @param changed what kind of thing has changed */
export function watchObjects(api: KubeApi, changed: { config(): void; services(): void }): Objects {
  const configMaps = new Watched<Wire<V1ConfigMap>>(api, "/api/v1/configmaps", changed.config);
  const secrets = new Watched<Wire<V1Secret>>(api, "/api/v1/secrets", changed.config);
  const services = new Watched<Wire<V1Service>>(api, "/api/v1/services", changed.services);
  const slices = new Watched<Wire<V1EndpointSlice>>(api, "/apis/discovery.k8s.io/v1/endpointslices", changed.services);
  return {
    configMaps,
    secrets,
    services,
    slices,
    stop() {
      for (const one of [configMaps, secrets, services, slices]) one.stop();
    },
  };
}

/** A key's value as bytes; `undefined` where the object or the key is not there. */
export function configValue(
  objects: Objects,
  kind: "ConfigMap" | "Secret",
  name: string,
  key: string,
): Buffer | undefined {
  return configValues(objects, kind, name)?.get(key);
}

/** @param name `namespace/name` */
export function configValues(
  { configMaps, secrets }: Objects,
  kind: "ConfigMap" | "Secret",
  name: string,
): ReadonlyMap<string, Buffer> | undefined {
  if (kind === "Secret") {
    const secret = secrets.find(name);
    return secret && new Map(Object.entries(secret.data ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")]));
  }
  const configMap = configMaps.find(name);
  return (
    configMap &&
    new Map([
      ...Object.entries(configMap.data ?? {}).map(([k, v]) => [k, Buffer.from(v)] as const),
      ...Object.entries(configMap.binaryData ?? {}).map(([k, v]) => [k, Buffer.from(v, "base64")] as const),
    ])
  );
}
