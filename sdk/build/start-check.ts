// Runs what a module does when it is loaded, outside of any function, as Envoy would: which hostcalls it makes there.
import { allowedInInitialize } from "../abi/host-functions.ts";

/**
 * Why Envoy would not get a module started; undefined if it would.
 *
 * @param bytes a module that links, whose code outside of functions is `_initialize`
 */
export async function startProblem(bytes: Uint8Array): Promise<string | undefined> {
  let refused: string | undefined;
  const module = await WebAssembly.compile(bytes);
  const imports: Record<string, Record<string, () => number>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][name] = () => {
      if (!allowedInInitialize.has(`${from}.${name}`)) {
        refused ??= name;
        throw new Error(refused);
      }
      return 0;
    };
  }
  const { _initialize } = new WebAssembly.Instance(module, imports).exports;
  try {
    if (typeof _initialize === "function") _initialize();
    return undefined;
  } catch (error) {
    if (refused === undefined)
      return `its code outside of functions traps: ${error instanceof Error ? error.message : error}`;
    return `its code outside of functions calls ${refused}, which Envoy allows from onVmStart on; move it into a method`;
  }
}
