import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Node } from "../gen/envoy/config/core/v3/base_pb.js";
import { parseNodeId } from "../model/names.ts";
import { listItems } from "../model/network.ts";
import type { Labels } from "../model/object.ts";
import type { Proxy } from "../model/proxy.ts";

export type ParsedNode = { readonly proxy: Proxy } | { readonly problem: string };

const interceptions = ["REDIRECT", "TPROXY", "NONE"] as const;

/**
 * The proxy that an Envoy says it is, in the `node` of its first request: Istio's id and bootstrap metadata. Name and
 * namespace are those of the id. What is missing in the metadata is empty, INTERCEPTION_MODE is REDIRECT; what is there
 * in another form is a problem, because a proxy with wrong labels would get another workload's configuration.
 *
 * @returns all problems in one text, for the gRPC status of the refusal
 */
export function parseNode(node: Pick<Node, "id" | "metadata" | "userAgentVersionType">): ParsedNode {
  const id = parseNodeId(node.id);
  if (id === undefined) {
    const form = "sidecar|router~<ip>~<name>.<namespace>~<namespace>.svc.<domain>";
    return { problem: `node.id is ${JSON.stringify(node.id)}: expected ${form}` };
  }
  const metadata = node.metadata ?? {};
  const problems: string[] = [];
  const read = { metadata, problems };
  const expected = { NAME: id.name, NAMESPACE: id.namespace };
  for (const [key, value] of Object.entries(expected)) {
    const said = text(key, read);
    if (said !== "" && said !== value) problems.push(`node.metadata.${key} is "${said}", but node.id says "${value}"`);
  }
  const proxy: Proxy = {
    id: node.id,
    type: id.type,
    ip: id.ip,
    name: id.name,
    namespace: id.namespace,
    labels: labels(read),
    serviceAccount: text("SERVICE_ACCOUNT", read),
    workload: text("WORKLOAD_NAME", read),
    interception: interception(read),
    ...("STAT_TAGS" in metadata && { statTags: listItems(text("STAT_TAGS", read)) }),
    version: version(node.userAgentVersionType),
  };
  return problems.length > 0 ? { problem: problems.join("; ") } : { proxy };
}

interface Read {
  readonly metadata: JsonObject;
  /** Problems are added here. */
  readonly problems: string[];
}

function text(key: string, { metadata, problems }: Read): string {
  const value = metadata[key] ?? "";
  if (typeof value === "string") return value;
  problems.push(`node.metadata.${key} is ${JSON.stringify(value)}: expected a string`);
  return "";
}

function labels({ metadata, problems }: Read): Labels {
  const value = metadata["LABELS"] ?? {};
  if (isLabels(value)) return value;
  problems.push(`node.metadata.LABELS is ${JSON.stringify(value)}: expected an object of strings`);
  return {};
}

function isLabels(value: JsonValue): value is Record<string, string> {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return false;
  return Object.values(value).every((label) => typeof label === "string");
}

function interception(read: Read): Proxy["interception"] {
  const value = text("INTERCEPTION_MODE", read) || "REDIRECT";
  const known = interceptions.find((one) => one === value);
  if (known !== undefined) return known;
  read.problems.push(`node.metadata.INTERCEPTION_MODE is "${value}": expected ${interceptions.join(", ")}`);
  return "REDIRECT";
}

function version(type: Node["userAgentVersionType"]): string {
  if (type.case === "userAgentVersion") return type.value;
  const semantic = type.case === "userAgentBuildVersion" ? type.value.version : undefined;
  return semantic === undefined ? "" : `${semantic.majorNumber}.${semantic.minorNumber}.${semantic.patch}`;
}
