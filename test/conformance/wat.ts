/** A module written in WebAssembly's text form. */
export async function wat(text: string): Promise<Uint8Array> {
  const { default: binaryen } = await import("assemblyscript/binaryen");
  const module = binaryen.parseText(`(module ${text})`);
  module.setFeatures(binaryen.Features.All);
  binaryen.setDebugInfo(false); // asc, which has compiled in this process, may have left it on: names change a trap's text
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}
