import { Properties } from "@sluice/sdk/assembly";
import { Known } from "./known";
import { bounded } from "./workload";

/** What the control plane says of the cluster that a request goes to. */
@final
export class Cluster {
  constructor(
    /** Outside of the mesh: nothing is told to it, and nothing that it says of itself is believed. */
    readonly isExternal: bool,
    /** Its first service; null if it has none. */
    readonly service: Service | null,
  ) {}
}

/** A service, as labels name it. */
@final
export class Service {
  constructor(
    readonly host: string,
    readonly name: string,
    /** Empty if nobody says. */
    readonly namespace: string,
  ) {}
}

/** Metadata changes with configuration only; yet over a proxy's life they may be many. */
const KEPT_MAX = 1024;

/** Clusters by their metadata, which are read as a whole to see whether they are known. */
@final
export class Clusters {
  private known: Known<Cluster> = new Known<Cluster>(KEPT_MAX);

  /** The cluster of the request whose properties these are; null if it has none, or one without Istio's metadata. */
  of(properties: Properties): Cluster | null {
    const metadata = properties.string("xds.cluster_metadata.filter_metadata.istio");
    if (metadata == null) return null;
    const known = this.known.get(metadata);
    if (known != null) return known;
    const isExternal = properties.bool("xds.cluster_metadata.filter_metadata.istio.external");
    return this.known.add(metadata, new Cluster(isExternal, firstService(properties)));
  }
}

function firstService(properties: Properties): Service | null {
  const fields = properties.entries("xds.cluster_metadata.filter_metadata.istio.services.0");
  let host = "";
  let name = "";
  let namespace = "";
  for (let i = 0; i < fields.length; i++) {
    const value = bounded(fields[i].value);
    if (fields[i].name == "host") host = value;
    else if (fields[i].name == "name") name = value;
    else if (fields[i].name == "namespace") namespace = value;
  }
  if (!host.length) return null;
  return new Service(host, name.length ? name : host.split(".")[0], namespace);
}
