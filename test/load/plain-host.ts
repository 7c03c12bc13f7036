// The shortest host that a filter runs in: names have one value each, be they properties, headers or shared data.

type Callback = (...args: readonly number[]) => number;
type Hostcall = (...args: never[]) => number;

const ok = 0;
const notFound = 1;

export class PlainHost {
  /** Bytes, each as a char; the parts of a property's path are parted by NUL, as the module says it. */
  readonly values: Map<string, string>;
  /** Of both clocks. */
  nowNs = 1_000_000_000n;
  readonly #exports: Readonly<Record<string, Callback>>;
  #bytes = Buffer.alloc(0);
  #metrics = 0;

  /** A VM of a module, before its first context. */
  static async start(bytes: Uint8Array, values: Readonly<Record<string, string>>): Promise<PlainHost> {
    return new PlainHost(await WebAssembly.compile(new Uint8Array(bytes)), values);
  }

  private constructor(module: WebAssembly.Module, values: Readonly<Record<string, string>>) {
    this.values = new Map(Object.entries(values));
    const calls = this.#hostcalls();
    const imports: Record<string, Record<string, Hostcall>> = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module))
      imports[from] = { ...imports[from], [name]: calls[name] ?? (() => ok) };
    this.#exports = new WebAssembly.Instance(module, imports).exports as Record<string, Callback>;
    this.call("_initialize");
  }

  /** Calls an export; 0 where there is none. */
  call(name: string, ...args: readonly number[]): number {
    return this.#exports[name]?.(...args) ?? 0;
  }

  /** Of the VM's memory, 64 KiB each. */
  get pages(): number {
    return this.#memory.length / 65536;
  }

  /** Where memory has grown, it has another buffer. */
  get #memory(): Buffer {
    const { buffer } = this.#exports["memory"] as unknown as WebAssembly.Memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = Buffer.from(buffer);
    return this.#bytes;
  }

  #text(at: number, size: number): string {
    return this.#memory.toString("latin1", at, at + size);
  }

  #give(value: string | undefined, outPtr: number, outSize: number): number {
    if (value === undefined) return notFound;
    const at = this.call("proxy_on_memory_allocate", value.length);
    this.#memory.write(value, at, "latin1");
    this.#memory.writeUInt32LE(at, outPtr);
    this.#memory.writeUInt32LE(value.length, outSize);
    return ok;
  }

  #put(name: string, at: number, size: number): number {
    this.values.set(name, this.#text(at, size));
    return ok;
  }

  /** All others answer Ok and do nothing. */
  #hostcalls(): Readonly<Record<string, Hostcall>> {
    return {
      proxy_get_property: (path: number, size: number, outPtr: number, outSize: number) =>
        this.#give(this.values.get(this.#text(path, size)), outPtr, outSize),
      proxy_set_property: (path: number, size: number, value: number, valueSize: number) =>
        this.#put(this.#text(path, size), value, valueSize),
      proxy_get_header_map_value: (_map: number, name: number, size: number, outPtr: number, outSize: number) =>
        this.#give(this.values.get(this.#text(name, size)), outPtr, outSize),
      proxy_get_shared_data: (key: number, size: number, outPtr: number, outSize: number, outCas: number) => {
        this.#memory.writeUInt32LE(1, outCas);
        return this.#give(this.values.get(this.#text(key, size)), outPtr, outSize);
      },
      proxy_set_shared_data: (key: number, size: number, value: number, valueSize: number) =>
        this.#put(this.#text(key, size), value, valueSize),
      proxy_define_metric: (_type: number, _name: number, _size: number, out: number) => {
        this.#metrics += 1;
        this.#memory.writeUInt32LE(this.#metrics, out);
        return ok;
      },
      clock_time_get: (_clock: number, _precision: bigint, out: number) => {
        this.#memory.writeBigUInt64LE(this.nowNs, out);
        return ok;
      },
    };
  }
}
