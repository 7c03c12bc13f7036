import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Module } from "../../controller/model/wasm-plugin.ts";
import { module } from "../../controller/translate/test-support/model.ts";

/** A module of build/, allowed all that it asks for. */
export async function builtModule(name: string, attach: Module["attach"]): Promise<Module> {
  const bytes = readFileSync(join(import.meta.dirname, "..", "..", "build", `${name}.wasm`));
  const compiled = await WebAssembly.compile(bytes);
  const names = [...WebAssembly.Module.imports(compiled), ...WebAssembly.Module.exports(compiled)];
  const capabilities = names.map((one) => one.name).filter((one) => /^(proxy_|clock_)/.test(one));
  return module({ bytes, attach, capabilities });
}
