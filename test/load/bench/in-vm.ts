// What a request costs inside the VM, with a host that does nothing.
import type { HelloModule } from "./modules.ts";
import { inTurns, quiet } from "./turns.ts";

const rounds = 200;
/** How long one turn takes, about: modules differ by a factor of a hundred. */
const turnMs = 2;
const warmMs = 500;

type Request = (id: number) => void;
type Call = (...args: number[]) => number;

const nothing: Call = () => 0;

/** Nanoseconds a request. */
export async function nsInVm(modules: readonly HelloModule[]): Promise<ReadonlyMap<HelloModule, number>> {
  const vms = [];
  for (const module of modules) vms.push({ module, ...(await warm(module)), ns: [] as number[] });
  await inTurns(vms, rounds, async (vm) => {
    vm.ns.push(time(vm.request, vm.next, vm.count));
    vm.next += vm.count;
  });
  return new Map(vms.map(({ module, ns }) => [module, quiet(ns)]));
}

/** Runs until the compiler has long optimized what runs, and finds how many requests a turn has. */
async function warm({ bytes }: HelloModule): Promise<{ request: Request; next: number; count: number }> {
  const request = await start(bytes);
  const untilMs = performance.now() + warmMs;
  let [next, ns] = [2, 0];
  for (; performance.now() < untilMs; next += 1000) ns = time(request, next, 1000);
  return { request, next, count: Math.ceil((turnMs * 1e6) / ns) };
}

function time(request: Request, first: number, count: number): number {
  const start = process.hrtime.bigint();
  for (let id = first; id < first + count; id += 1) request(id);
  return Number(process.hrtime.bigint() - start) / count;
}

/** A VM with one plugin, and the callbacks of a request in Envoy's order, as far as the module exports them. */
async function start(bytes: Uint8Array<ArrayBuffer>): Promise<Request> {
  const module = await WebAssembly.compile(bytes);
  const imports: Record<string, Record<string, Call>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    imports[from] = { ...imports[from], [name]: nothing };
  Object.assign(imports["wasi_snapshot_preview1"] ?? {}, {
    fd_prestat_get: () => 8, // EBADF: there are no folders
    clock_time_get(_clock: number, _precision: bigint, at: number): number {
      new DataView((exports["memory"] as unknown as WebAssembly.Memory).buffer).setBigUint64(at, 1n, true);
      return 0;
    },
  });
  const exports = new WebAssembly.Instance(module, imports).exports as Record<string, Call>;
  const call = (name: string): Call => exports[name] ?? nothing;
  call(exports["_initialize"] ? "_initialize" : "_start")();
  call("main")(0, 0);
  const create = call("proxy_on_context_create");
  create(1, 0);
  call("proxy_on_vm_start")(1, 0);
  call("proxy_on_configure")(1, 0);
  const [requestHeaders, responseHeaders, log, done, end] = [
    call("proxy_on_request_headers"),
    call("proxy_on_response_headers"),
    call("proxy_on_log"),
    call("proxy_on_done"),
    call("proxy_on_delete"),
  ];
  return (id) => {
    create(id, 1);
    requestHeaders(id, 5, 1);
    responseHeaders(id, 5, 1);
    log(id);
    done(id);
    end(id);
  };
}
