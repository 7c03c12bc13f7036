// Modules for tests: small filters, compiled once for each text, kept in build/test/.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { digestOf } from "../../sdk/build/made-from.ts";
import { keptFile } from "./kept.ts";

const root = join(import.meta.dirname, "..", "..");

/**
 * A filter that marks every response with `x-mark: <version><mark>`, in addition to marks that are there, and numbers it
 * by a counter in shared data, `x-count`; the metric `mark_responses_total` counts them, too. Configuration:
 *
 *   mark: text
 *   refuse: true         refuse it, in preflight and in Envoy
 *   refuseOnEnvoy: true  refuse it where the node has metadata, which preflight does not
 *   hang: true           never return from on_configure
 *   trap: true           trap in on_configure
 *
 * A request with `x-trap` makes it trap.
 *
 * @returns the module's `file://` URL
 */
export function markModule(version: "a" | "b"): Promise<string> {
  return moduleOf(`mark-${version}`, markSource.replace("VERSION", JSON.stringify(version)));
}

const markSource = `
import { Config, Counter, HeadersAction, HttpContext, Plugin, getSharedData, registerPlugin, setSharedData, Status } from "@sluice/sdk/assembly";

class Mark extends Plugin {
  mark: string = "";
  readonly responses: Counter = new Counter("mark_responses_total");

  onConfigure(config: Config): void {
    this.mark = VERSION + config.string("mark").or("");
    if (config.bool("refuse").or(false)) config.reject("refuse", "this module refuses on demand");
    if (config.bool("refuseOnEnvoy").or(false) && this.properties.string("xds.node.metadata.NAMESPACE") != null)
      config.reject("refuseOnEnvoy", "this module refuses to run in a mesh");
    if (config.bool("hang").or(false)) while (true) {}
    if (config.bool("trap").or(false)) unreachable();
  }

  createHttpContext(): HttpContext {
    return new MarkStream(this);
  }

  count(): u64 {
    const bytes = new Uint8Array(8);
    let next: u64 = 0;
    let status = Status.CasMismatch;
    while (status == Status.CasMismatch) {
      const value = getSharedData("mark.count");
      next = value == null ? 1 : load<u64>(value.bytes.dataStart) + 1;
      store<u64>(bytes.dataStart, next);
      status = setSharedData("mark.count", bytes, value == null ? 0 : value.cas);
    }
    return next;
  }
}

class MarkStream extends HttpContext {
  constructor(private plugin: Mark) {
    super();
  }

  onRequestHeaders(endOfStream: bool): HeadersAction {
    if (this.requestHeaders.has("x-trap")) unreachable();
    return HeadersAction.Continue;
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.plugin.responses.increment();
    this.responseHeaders.add("x-mark", this.plugin.mark);
    this.responseHeaders.set("x-count", this.plugin.count().toString());
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new Mark());
`;

/**
 * A network filter that puts its `mark` behind whatever callers send; `trap` in what they send makes it trap. `refuse: true`
 * in its configuration refuses that.
 *
 * @returns the module's `file://` URL
 */
export function tcpMarkModule(): Promise<string> {
  return moduleOf("tcp-mark", tcpMarkSource);
}

const tcpMarkSource = `
import { Config, Plugin, registerPlugin, TcpAction, TcpContext } from "@sluice/sdk/assembly";

class Mark extends Plugin {
  mark: string = "";

  onConfigure(config: Config): void {
    this.mark = config.string("mark").or("");
    if (config.bool("refuse").or(false)) config.reject("refuse", "this module refuses on demand");
  }

  createTcpContext(): TcpContext {
    return new MarkedConnection(this.mark);
  }
}

class MarkedConnection extends TcpContext {
  constructor(private mark: string) {
    super();
  }

  onDownstreamData(size: u32, endOfStream: bool): TcpAction {
    if (this.downstream.text().startsWith("trap")) unreachable();
    if (size) this.downstream.appendText(this.mark);
    return TcpAction.Continue;
  }
}

registerPlugin(() => new Mark());
`;

/** A module that does nothing but what Envoy refuses: see `kind`. */
export async function refusedModule(kind: "garbage" | "missing import" | "start section"): Promise<string> {
  const file = join(root, "build", "test", `${kind.replace(" ", "-")}.wasm`);
  await mkdir(join(root, "build", "test"), { recursive: true });
  await writeFile(file, kind === "garbage" ? "not a module at all" : await compileRaw(kind));
  return pathToFileURL(file).href;
}

async function compileRaw(kind: "missing import" | "start section"): Promise<Uint8Array> {
  const source = `
    @external("env", "proxy_does_not_exist") declare function missing(): void;
    let started = 0;
    export function touch(): void { ${kind === "missing import" ? "missing();" : "started++;"} }
    export function proxy_abi_version_0_2_1(): void {}
    export function proxy_on_memory_allocate(size: usize): usize { return heap.alloc(size); }
    ${kind === "start section" ? "touch();" : ""}
  `;
  const asc = await import("assemblyscript/asc");
  let bytes: Uint8Array | undefined;
  const start = kind === "start section" ? [] : ["--exportStart", "_initialize"];
  const { error } = await asc.main(
    ["raw.ts", "--outFile", "raw.wasm", "--runtime", "stub", "--use", "abort=", ...start],
    {
      readFile: (name) => (name === "raw.ts" ? source : null),
      writeFile: (_, contents) => {
        if (typeof contents !== "string") bytes = contents;
      },
      listFiles: () => null,
    },
  );
  if (error || bytes === undefined) throw error ?? new Error("nothing was compiled");
  return bytes;
}

async function moduleOf(name: string, source: string): Promise<string> {
  const folder = `build/test/${name}`;
  const filter = { name, folder, source: `${folder}/assembly/index.ts` };
  await mkdir(join(root, folder, "assembly"), { recursive: true });
  await writeFile(join(root, filter.source), source);
  const file = await keptFile(name, digestOf(root, filter), async () => {
    const { buildFilter } = await import("../../sdk/build/build-filter.ts");
    const built = await buildFilter(root, filter);
    if (!built.ok) throw new Error(built.messages);
    return built.bytes;
  });
  return pathToFileURL(file).href;
}
