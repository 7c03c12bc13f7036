// Which callbacks a filter has: those whose method one of its classes overrides. Found in the compiler's own class table,
// after it has linked classes to their bases and before it compiles anything, so that what is left out costs nothing.
import type { ClassPrototype, FunctionPrototype, Program } from "assemblyscript";
import type { Attachment } from "../module/manifest.ts";

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

/** Factory of a plugin -> the chain that it serves. */
const FACTORIES: readonly (readonly [method: string, attachment: Attachment])[] = [
  ["createHttpContext", "downstream"],
  ["createUpstreamContext", "upstream"],
  ["createTcpContext", "network"],
];

/**
 * Leaves out of the program every export of the SDK whose method no class overrides. `proxy_on_request_headers` has the
 * method `onRequestHeaders`, and so on. Inside other functions the SDK asks by `isDefined(OVERRIDES_onTick)`.
 *
 * @returns what the filter is made for: the chains whose contexts a plugin creates, and the access log where one overrides `onLog`
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
  const chains = FACTORIES.flatMap(([method, chain]) => (overridden.has(method) ? [chain] : []));
  return isAccessLogger(program) ? [...chains, "access-log"] : chains;
}

/** Whether a plugin overrides `onLog`, which streams have, too. */
function isAccessLogger(program: Program): boolean {
  const plugin = classOf(program, `${SDK}/plugin/Plugin`);
  const onLog = classOf(program, `${SDK}/context/Context`).instanceMembers?.get("onLog");
  return [...overridesOf(onLog)].some(({ parent }) => (parent as ClassPrototype).extends(plugin));
}

function overriddenMethods(program: Program, base: string): string[] {
  const members = [...(classOf(program, base).instanceMembers ?? [])];
  return members.flatMap(([name, member]) => (overridesOf(member).size ? [name] : []));
}

/** The methods that override a member of a class; none where it is no method. */
function overridesOf(member: object | undefined): ReadonlySet<FunctionPrototype> {
  return (member && "unboundOverrides" in member && (member as FunctionPrototype).unboundOverrides) || new Set();
}

function classOf(program: Program, name: string): ClassPrototype {
  const element = program.elementsByName.get(name);
  if (!element || !("instanceMembers" in element)) throw new Error(`${name} is not part of the program`);
  return element as ClassPrototype;
}

/** `proxy_on_request_headers` -> `onRequestHeaders` */
function methodOf(callback: string): string {
  return callback.replace(/^proxy_/, "").replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}
