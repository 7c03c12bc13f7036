/**
 * What Envoy logs of a trap: the callback, the cause, and, where the module has names, the functions on its stack.
 *
 * @param callback export that was called
 */
export function trapText(callback: string, error: unknown): string {
  const { name, message, stack = "" } = error instanceof Error ? error : new Error(String(error));
  const head = `Function: ${callback} failed: Uncaught ${name}: ${message}`;
  const frames = [...stack.matchAll(/^\s+at (?:(\S+) \()?wasm:\/\/\S+:wasm-function\[(\d+)\]:0x([0-9a-f]+)/gm)];
  if (!frames.some(([, functionName]) => functionName !== undefined)) return head;
  const lines = frames.map(([, functionName, index, offset], i) => {
    const called = functionName?.replace(/^[^.]*\.wasm\.|^wasm\./, "") ?? `unknown(function index:${index})`;
    return `${String(i).padStart(3)}:  0x${offset} - ${called}`;
  });
  return [head, "Proxy-Wasm plugin in-VM backtrace:", ...lines].join("\n");
}
