// What a request costs inside the VM, for hello of the SDK and for the same by hand, with a host that does nothing. The two
// take turns, so that what else the machine does meets both.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filterModule } from "../support/filter-module.ts";
import type { Figure, Measurement } from "./figures.ts";

const root = join(import.meta.dirname, "..", "..");

const rounds = 21;
const perRound = 200_000;

/** Requests of the last figure: memory must not grow with them. */
const many = 10_000_000;

interface Vm {
  readonly memory: WebAssembly.Memory;
  request(id: number): void;
}

/** Nanoseconds a request, and pages after ten million of them. */
export const sdkCost: Measurement = async () => {
  const modules = { sdk: await filterModule("hello"), raw: await rawHello() };
  const [sdk, raw] = [await start(modules.sdk), await start(modules.raw)];
  const samples = { sdk: [] as number[], raw: [] as number[] };
  let id = 2;
  for (let round = 0; round < rounds; round += 1) {
    samples.sdk.push(nanoseconds(sdk, id));
    samples.raw.push(nanoseconds(raw, id));
    id += perRound;
  }
  for (; id < many; id += 1) sdk.request(id);
  const how = `${rounds} rounds of ${perRound} requests, in turns; the first of each left out; calls from JavaScript included`;
  const figures: Figure[] = [
    { what: "a request of hello in its VM", samples: samples.sdk.slice(1), unit: "ns", how },
    { what: "the same by hand", samples: samples.raw.slice(1), unit: "ns", how },
    { what: "hello by hand: module", samples: [modules.raw.length], unit: "bytes", how: "without names and manifest" },
    { what: "hello: pages of memory after all", samples: [pages(sdk)], unit: "", how: `${many} requests` },
  ];
  return figures;
};

function nanoseconds(vm: Vm, first: number): number {
  const start = process.hrtime.bigint();
  for (let id = first; id < first + perRound; id += 1) vm.request(id);
  return Number(process.hrtime.bigint() - start) / perRound;
}

function pages({ memory }: Vm): number {
  return memory.buffer.byteLength / 65536;
}

/** A VM of a filter, its plugin configured as far as hello needs it. */
async function start(bytes: Uint8Array): Promise<Vm> {
  const module = await WebAssembly.compile(new Uint8Array(bytes));
  const nothing = () => 0;
  const env = Object.fromEntries(WebAssembly.Module.imports(module).map(({ name }) => [name, nothing]));
  const exports = new WebAssembly.Instance(module, { env }).exports as Record<string, () => void>;
  const call = (name: string): ((...args: number[]) => void) => exports[name] ?? nothing;
  call("_initialize")();
  const [create, request, response, end] = [
    call("proxy_on_context_create"),
    call("proxy_on_request_headers"),
    call("proxy_on_response_headers"),
    call("proxy_on_delete"),
  ];
  create(1, 0);
  return {
    memory: exports["memory"] as unknown as WebAssembly.Memory,
    request(id) {
      create(id, 1);
      request(id, 5, 1);
      response(id, 5, 1);
      end(id);
    },
  };
}

async function rawHello(): Promise<Uint8Array> {
  const { asc } = await import("../../sdk/build/compiler.ts");
  const messages = asc.createMemoryStream();
  let bytes: Uint8Array | undefined;
  const flags = [
    "--config",
    "none",
    "--runtime",
    "stub",
    "--optimizeLevel",
    "2",
    "--shrinkLevel",
    "1",
    "--use",
    "abort=",
  ];
  const { error } = await asc.main(
    ["test/load/raw/assembly/index.ts", "--baseDir", root, "--outFile", "raw.wasm", ...flags],
    {
      stderr: messages,
      readFile: (name, base) => readFile(join(base, name), "utf8").catch(() => null),
      writeFile: (_, contents) => {
        if (typeof contents !== "string") bytes = contents;
      },
      listFiles: () => null,
    },
  );
  if (error || bytes === undefined) throw new Error(messages.toString() || String(error));
  return bytes;
}
