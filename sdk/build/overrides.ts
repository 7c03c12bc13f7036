// Which callbacks a filter has: those whose method one of its classes overrides. Found in the compiler's own class table,
// after it has linked classes to their bases and before it compiles anything, so that what is left out costs nothing.
import type { Program } from "assemblyscript";

/** Where the SDK's code lies for the compiler: the package's name as it resolves it. */
const SDK = "~lib/@sluice/sdk/assembly";

/** Base classes whose methods are callbacks. */
const BASES = ["context/Context", "plugin/Plugin", "http-context/HttpContext", "tcp-context/TcpContext"].map(
  (name) => `${SDK}/${name}`,
);

/** Callbacks that are not the method of a context: each is exported where a class overrides one of these base class's methods. */
const HANDLERS = new Map([
  ["proxy_on_http_call_response", `${SDK}/http-call/HttpCallHandler`],
  ["proxy_on_grpc_receive", `${SDK}/grpc/GrpcCallHandler`],
  ["proxy_on_grpc_close", `${SDK}/grpc/GrpcCallHandler`],
  ["proxy_on_grpc_receive_initial_metadata", `${SDK}/grpc/GrpcStreamHandler`],
  ["proxy_on_grpc_receive_trailing_metadata", `${SDK}/grpc/GrpcStreamHandler`],
]);

/** Exports that have no method, or that the SDK itself needs in every module. */
const ALWAYS = new Set([
  "proxy_abi_version_0_2_1",
  "proxy_on_memory_allocate",
  "proxy_on_context_create",
  "proxy_on_delete",
]);

/**
 * Chains that a filter is made for: `createHttpContext` is its downstream half, `createUpstreamContext` its upstream one;
 * with `createTcpContext` it is a network filter.
 */
export type Attachment = "downstream" | "upstream" | "network";

/**
 * Leaves out of the program every export of the SDK whose method no class overrides. `proxy_on_request_headers` has the
 * method `onRequestHeaders`, and so on. Inside other functions the SDK asks by `isDefined(OVERRIDES_onTick)`.
 *
 * @returns what the filter can be attached to
 */
export function dropUnusedCallbacks(program: Program): Attachment[] {
  const exports = program.filesByName.get(`${SDK}/exports`)?.exports;
  if (!exports) throw new Error(`${SDK}/exports is not part of the program`);
  const overridden = new Set(BASES.flatMap((base) => overriddenMethods(program, base)));
  for (const name of overridden) program.elementsByName.set(`OVERRIDES_${name}`, program.nativeFile);
  for (const name of [...exports.keys()]) {
    const handler = HANDLERS.get(name);
    const isUsed =
      handler === undefined ? overridden.has(methodOf(name)) : overriddenMethods(program, handler).length > 0;
    if (!ALWAYS.has(name) && !isUsed) exports.delete(name);
  }
  const attach: Attachment[] = [];
  if (overridden.has("createHttpContext")) attach.push("downstream");
  if (overridden.has("createUpstreamContext")) attach.push("upstream");
  if (overridden.has("createTcpContext")) attach.push("network");
  return attach;
}

function overriddenMethods(program: Program, base: string): string[] {
  const members = [...classMembers(program, base)];
  return members.flatMap(([name, member]) => ("unboundOverrides" in member && member.unboundOverrides ? [name] : []));
}

function classMembers(program: Program, name: string): Map<string, object> {
  const element = program.elementsByName.get(name);
  if (!element || !("instanceMembers" in element)) throw new Error(`${name} is not part of the program`);
  return element.instanceMembers as Map<string, object>;
}

/** `proxy_on_request_headers` -> `onRequestHeaders` */
function methodOf(callback: string): string {
  return callback.replace(/^proxy_/, "").replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
