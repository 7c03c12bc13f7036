import type { Module } from "../../controller/model/wasm-plugin.ts";
import { module } from "../../controller/translate/test-support/model.ts";
import { filterModule } from "./filter-module.ts";

/** A filter's module, allowed all that it asks for. */
export async function builtModule(name: string, attach: Module["attach"]): Promise<Module> {
  const bytes = await filterModule(name);
  const compiled = await WebAssembly.compile(new Uint8Array(bytes));
  const names = [...WebAssembly.Module.imports(compiled), ...WebAssembly.Module.exports(compiled)];
  const capabilities = names.map((one) => one.name).filter((one) => /^(proxy_|clock_)/.test(one));
  return module({ bytes, attach, capabilities });
}
