// The part of the WebAssembly JavaScript API that the host uses: neither TypeScript's `esnext` library nor @types/node
// declares it, and the `dom` library would bring a browser's globals with it.
// @see WebAssembly JavaScript Interface, W3C
declare namespace WebAssembly {
  interface ExportDescriptor {
    readonly name: string;
    readonly kind: "function" | "table" | "memory" | "global" | "tag";
  }
  interface ImportDescriptor extends ExportDescriptor {
    readonly module: string;
  }
  class Module {
    private constructor();
    static exports(module: Module): ExportDescriptor[];
    static imports(module: Module): ImportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Memory {
    private constructor();
    readonly buffer: ArrayBuffer;
  }
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }
  class RuntimeError extends Error {}
  class CompileError extends Error {}
  class LinkError extends Error {}
  function compile(bytes: Uint8Array): Promise<Module>;
}
