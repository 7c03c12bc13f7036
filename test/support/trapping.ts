// A filter's module as it was built, but that a test can have it trap: no request is known that makes it.

/** A request with these traps. Envoy tells a filter how many headers there are, and no other request has as many. */
export const trapHeaders: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 60 }, (_, i) => [`x-trap-${i}`, "now"]),
);

/** A guard in front of the module's `proxy_on_request_headers`; what the module itself is stays as it is. */
export async function trapping(bytes: Uint8Array): Promise<Uint8Array> {
  const { default: binaryen } = await import("assemblyscript/binaryen");
  const module = binaryen.readBinary(bytes);
  try {
    const callback = "proxy_on_request_headers";
    const exported = module.getExport(callback);
    if (exported === 0) throw new Error(`the module has no ${callback}`);
    const { value } = binaryen.getExportInfo(exported);
    const { i32 } = binaryen;
    const parameters = [0, 1, 2].map((n) => module.local.get(n, i32));
    const count = module.local.get(1, i32);
    const guard = module.if(
      module.i32.ge_u(count, module.i32.const(Object.keys(trapHeaders).length)),
      module.unreachable(),
    );
    const body = module.block(null, [guard, module.call(value, parameters, i32)], i32);
    module.addFunction("guarded", binaryen.createType([i32, i32, i32]), i32, [], body);
    module.removeExport(callback);
    module.addFunctionExport("guarded", callback);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
