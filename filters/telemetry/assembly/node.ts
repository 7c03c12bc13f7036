import { encodeText, Properties } from "@sluice/sdk/assembly";
import { encodeBase64 } from "./base64";
import { StructWriter } from "./struct";
import { appOf, Workload } from "./workload";

/** This proxy, as labels and peers name it. It never changes. */
@final
export class Node {
  /** At the mesh's edge: nobody who calls it belongs to the mesh. */
  readonly isGateway: bool;
  /** Value of `x-envoy-peer-metadata-id`. */
  readonly id: Uint8Array;
  /** Value of `x-envoy-peer-metadata`. */
  readonly metadata: Uint8Array;
  /** What is not known of it is empty, as in Istio; of a peer it would be `unknown`. */
  readonly workload: Workload;
  /** Labels beside Istio's that are known to Envoy as tags: it knows them by their names, from its bootstrap on. */
  readonly statTags: string[];

  constructor(properties: Properties) {
    const id = text(properties, "xds.node.id");
    this.isGateway = id.startsWith("router~");
    this.id = encodeText(id);
    const workload = new Workload(
      text(properties, "xds.node.metadata.WORKLOAD_NAME"),
      text(properties, "xds.node.metadata.NAMESPACE"),
      text(properties, "xds.node.metadata.LABELS['service.istio.io/canonical-name']"),
      text(properties, "xds.node.metadata.LABELS['service.istio.io/canonical-revision']"),
      text(properties, "xds.node.metadata.LABELS.app"),
      text(properties, "xds.node.metadata.LABELS.version"),
      text(properties, "xds.node.metadata.CLUSTER_ID"),
    );
    this.workload = workload;
    this.statTags = text(properties, "xds.node.metadata.STAT_TAGS").split(",");
    this.metadata = encodeBase64(metadataOf(workload, properties));
  }
}

/** What Istio's proxies say of themselves, its keys sorted. */
function metadataOf(own: Workload, properties: Properties): Uint8Array {
  const name = text(properties, "xds.node.metadata.LABELS['app.kubernetes.io/name']");
  const version = text(properties, "xds.node.metadata.LABELS['app.kubernetes.io/version']");
  const labels = new StructWriter()
    .string("app", appOf(name, own.app))
    .string("service.istio.io/canonical-name", own.canonicalService)
    .string("service.istio.io/canonical-revision", own.canonicalRevision)
    .string("version", appOf(version, own.version));
  return new StructWriter()
    .string("AVAILABILITY_ZONE", text(properties, "xds.node.locality.zone"))
    .string("CLUSTER_ID", own.cluster)
    .struct("LABELS", labels)
    .string("NAME", text(properties, "xds.node.metadata.NAME"))
    .string("NAMESPACE", own.namespace)
    .string("OWNER", text(properties, "xds.node.metadata.OWNER"))
    .string("REGION", text(properties, "xds.node.locality.region"))
    .string("WORKLOAD_NAME", own.name)
    .toBytes();
}

function text(properties: Properties, path: string): string {
  const value = properties.string(path);
  return value == null ? "" : value;
}
