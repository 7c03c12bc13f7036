// Typed code for Envoy's API, from the descriptors inside the Envoy binary: so the types are those of the very Envoy
// that will read the messages, and neither protoc nor a copy of the protos is needed.
//
// Every proto linked into Envoy leaves its serialized FileDescriptorProto in the read-only data. It begins with field 1
// (the file's name): 0x0a, length, "….proto". From there the top-level fields are walked until one does not fit; that is
// its end.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** What the control plane sends and receives; what these import comes with them. */
const roots = [
  "envoy/service/discovery/v3/discovery.proto",
  "envoy/admin/v3/config_dump.proto",
  "envoy/admin/v3/config_dump_shared.proto",
  "envoy/admin/v3/clusters.proto",
  "envoy/config/bootstrap/v3/bootstrap.proto",
  "envoy/config/cluster/v3/cluster.proto",
  "envoy/config/core/v3/extension.proto",
  "envoy/config/endpoint/v3/endpoint.proto",
  "envoy/config/grpc_credential/v3/file_based_metadata.proto",
  "envoy/config/listener/v3/listener.proto",
  "envoy/config/route/v3/route.proto",
  "envoy/config/trace/v3/zipkin.proto",
  "envoy/extensions/access_loggers/file/v3/file.proto",
  "envoy/extensions/access_loggers/stream/v3/stream.proto",
  "envoy/extensions/common/matching/v3/extension_matcher.proto",
  "envoy/extensions/filters/http/composite/v3/composite.proto",
  "envoy/extensions/filters/http/grpc_stats/v3/config.proto",
  "envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto",
  "envoy/extensions/filters/http/rbac/v3/rbac.proto",
  "envoy/extensions/filters/http/router/v3/router.proto",
  "envoy/extensions/filters/http/upstream_codec/v3/upstream_codec.proto",
  "envoy/extensions/filters/http/wasm/v3/wasm.proto",
  "envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto",
  "envoy/extensions/filters/listener/original_dst/v3/original_dst.proto",
  "envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto",
  "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
  "envoy/extensions/filters/network/rbac/v3/rbac.proto",
  "envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto",
  "envoy/extensions/filters/network/wasm/v3/wasm.proto",
  "envoy/extensions/matching/common_inputs/network/v3/network_inputs.proto",
  "envoy/extensions/request_id/uuid/v3/uuid.proto",
  "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
  "envoy/extensions/transport_sockets/tls/v3/secret.proto",
  "envoy/extensions/transport_sockets/tls/v3/tls.proto",
  "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
  "envoy/extensions/wasm/v3/wasm.proto",
  "envoy/type/matcher/v3/http_inputs.proto",
];

/** Field numbers of FileDescriptorProto (descriptor.proto); 13 is not in use. */
const fieldNumbers = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15]);

/**
 * Writes code for {@link roots} and all they import below `out`, which is emptied first.
 *
 * @param {{envoy: string, plugin: string, out: string}} paths the Envoy binary, protoc-gen-es, and the folder
 * @returns {number} files generated
 */
export function generate({ envoy, plugin, out }) {
  const found = descriptors(readFileSync(envoy));
  const files = closure(found);
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: files.map((file) => file.name).filter((name) => !name.startsWith("google/protobuf/")),
    parameter: "target=js+dts,import_extension=js",
    protoFile: files,
    compilerVersion: { major: 30 },
  });
  const response = fromBinary(
    CodeGeneratorResponseSchema,
    execFileSync(process.execPath, [plugin], {
      input: toBinary(CodeGeneratorRequestSchema, request),
      maxBuffer: 256 << 20,
    }),
  );
  if (response.error !== "") throw new Error(`protoc-gen-es: ${response.error}`);
  rmSync(out, { recursive: true, force: true });
  for (const { name, content } of response.file) {
    const path = join(out, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return response.file.length;
}

/**
 * All file descriptors that stand in a binary, by proto name.
 *
 * @param {Buffer} binary
 */
function descriptors(binary) {
  /** @type {Map<string, import("@bufbuild/protobuf/wkt").FileDescriptorProto>} */
  const found = new Map();
  for (let at = binary.indexOf(".proto"); at >= 0; at = binary.indexOf(".proto", at + 1)) {
    const nameEnd = at + ".proto".length;
    const start = descriptorStart(binary, nameEnd);
    if (start === undefined) continue;
    const end = descriptorEnd(binary, start);
    if (end - start < nameEnd - start + 2) continue; // a name and nothing else: an import inside another descriptor
    try {
      const file = fromBinary(FileDescriptorProtoSchema, binary.subarray(start, end));
      if (file.package !== "" && !found.has(file.name)) found.set(file.name, file);
    } catch {
      // bytes that only look like one
    }
  }
  return found;
}

/** Where the field 1 that ends at `nameEnd` starts. @param {Buffer} binary @param {number} nameEnd */
function descriptorStart(binary, nameEnd) {
  for (let length = ".proto".length + 1; length < 128; length++) {
    const start = nameEnd - length - 2;
    if (start < 0) return undefined;
    if (binary[start] === 0x0a && binary[start + 1] === length) return start;
  }
  return undefined;
}

/** @param {Buffer} binary @param {number} start */
function descriptorEnd(binary, start) {
  let at = start;
  let first = true;
  while (at < binary.length) {
    const tag = varint(binary, at);
    const field = tag.value >>> 3;
    const wire = tag.value & 7;
    if (!fieldNumbers.has(field) || (field === 1 && !first)) return at;
    first = false;
    if (wire === 2) {
      const length = varint(binary, tag.next);
      if (length.next + length.value > binary.length) return at;
      at = length.next + length.value;
    } else if (wire === 0) at = varint(binary, tag.next).next;
    else return at;
  }
  return at;
}

/** @param {Buffer} binary @param {number} at */
function varint(binary, at) {
  let value = 0;
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = binary[at++] ?? 0;
    value += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return { value, next: at };
}

/**
 * The roots and what they import, imports first.
 *
 * @param {ReturnType<typeof descriptors>} found
 */
function closure(found) {
  /** @type {import("@bufbuild/protobuf/wkt").FileDescriptorProto[]} */
  const ordered = [];
  const seen = new Set();
  /** @param {string} name */
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    const file = found.get(name);
    if (file === undefined)
      throw new Error(`Envoy's binary has no descriptor of ${name}; is it stripped of them, or older than 1.40?`);
    for (const dependency of file.dependency) visit(dependency);
    ordered.push(file);
  };
  for (const root of roots) visit(root);
  return ordered;
}
