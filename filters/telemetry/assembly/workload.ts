// What labels say of one end of a request.
import { decodeBase64 } from "./base64";
import { parseStruct } from "./struct";

/** Istio's word for what is not known. */
export const UNKNOWN = "unknown";

/** Kubernetes' names are shorter (253); nothing that a peer says of itself may grow metrics beyond that. */
const VALUE_SIZE_MAX = 256;

/** One end of a request. */
@final
export class Workload {
  constructor(
    readonly name: string,
    /** Empty if it is not known: a certificate may still say. */
    readonly namespace: string,
    readonly canonicalService: string,
    readonly canonicalRevision: string,
    readonly app: string,
    readonly version: string,
    /** Name of the Kubernetes cluster. */
    readonly cluster: string,
  ) {}
}

/** A peer by its header `x-envoy-peer-metadata`; null if that can't be read. */
export function peerOfHeader(header: string): Workload | null {
  if (!header.length) return null;
  const bytes = decodeBase64(header);
  if (bytes == null) return null;
  const metadata = parseStruct(bytes);
  if (metadata == null) return null;
  const labels = metadata.struct("LABELS");
  return peerOf(
    metadata.string("WORKLOAD_NAME"),
    metadata.string("NAMESPACE"),
    labels.string("service.istio.io/canonical-name"),
    labels.string("service.istio.io/canonical-revision"),
    appOf(labels.string("app.kubernetes.io/name"), labels.string("app")),
    appOf(labels.string("app.kubernetes.io/version"), labels.string("version")),
    metadata.string("CLUSTER_ID"),
  );
}

/**
 * A peer by its endpoint's metadata, `workload;namespace;canonical-service;canonical-revision;cluster-id`; null if the
 * text is not of that form.
 */
export function peerOfEndpoint(text: string): Workload | null {
  const parts = text.split(";");
  return parts.length < 5 ? null : peerOf(parts[0], parts[1], parts[2], parts[3], "", "", parts[4]);
}

/** Istio's choice between the two labels that name an app, or its version. */
export function appOf(qualified: string, plain: string): string {
  return qualified.length ? qualified : plain;
}

/** A peer, with Istio's words for what it leaves out. */
export function peerOf(
  name: string,
  namespace: string,
  canonicalService: string,
  canonicalRevision: string,
  app: string,
  version: string,
  cluster: string,
): Workload {
  return new Workload(
    orUnknown(bounded(name)),
    bounded(namespace),
    orUnknown(bounded(canonicalService)),
    canonicalRevision.length ? bounded(canonicalRevision) : "latest",
    orUnknown(bounded(app)),
    orUnknown(bounded(version)),
    orUnknown(bounded(cluster)),
  );
}

/** The text, or Istio's word for none. */
export function orUnknown(text: string): string {
  return text.length ? text : UNKNOWN;
}

/**
 * The text, cut where it is longer than any name that Istio's labels are made for, with `_` for control characters, which are no
 * part of a name, and by which values are told from each other.
 */
export function bounded(text: string): string {
  const cut = text.length > VALUE_SIZE_MAX ? text.slice(0, VALUE_SIZE_MAX) : text;
  let codes: i32[] | null = null;
  for (let i = 0; i < cut.length; i++) {
    if (cut.charCodeAt(i) >= 0x20) continue;
    if (codes == null) codes = codesOf(cut);
    codes[i] = 0x5f; // _
  }
  return codes == null ? cut : String.fromCharCodes(codes);
}

function codesOf(text: string): i32[] {
  const codes = new Array<i32>(text.length);
  for (let i = 0; i < text.length; i++) codes[i] = text.charCodeAt(i);
  return codes;
}
