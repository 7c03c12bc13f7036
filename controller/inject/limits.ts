// What Envoy must know of its container's limits, since it can't see them itself.
import { fieldsOf } from "../model/raw-object.ts";
import type { Json } from "./pod.ts";

/** The part of the memory that Envoy's own heap may fill: what is left is for the VMs of filters, stacks and code. */
const heapShare = 0.8;

/** As many workers as the limit has whole cores, at least one; two where there is none. */
export function workerThreads(resources: Json): number {
  const cores = limitOf(resources, "cpu");
  return cores === undefined ? 2 : Math.max(1, Math.ceil(cores));
}

/** At which Envoy sheds load instead of being killed; `undefined` where the container has no limit. */
export function heapBytesMax(resources: Json): number | undefined {
  const bytes = limitOf(resources, "memory");
  return bytes === undefined ? undefined : Math.floor(bytes * heapShare);
}

/** `undefined` also for 0, which is none, and for what is no quantity: the API server says so. */
function limitOf(resources: Json, name: "cpu" | "memory"): number | undefined {
  const limit = quantityOf(String(fieldsOf(resources["limits"])[name]));
  return limit !== undefined && limit > 0 ? limit : undefined;
}

const quantity = /^([+-]?(?:\d+\.?\d*|\.\d+))([KMGTPE]i|[mkMGTPEnu]|[eE][+-]?\d+)?$/;

/**
 * The number that a quantity is: 0.1 of `100m`, 134217728 of `128Mi`; `undefined` where the text is none.
 *
 * @see k8s.io/apimachinery/pkg/api/resource/quantity.go
 */
export function quantityOf(text: string): number | undefined {
  const [, number, suffix = ""] = quantity.exec(text) ?? [];
  if (number === undefined) return undefined;
  if (/^[eE]./.test(suffix)) return Number(number + suffix);
  if (suffix.endsWith("i")) return Number(number) * 1024 ** ("KMGTPE".indexOf(suffix.charAt(0)) + 1);
  return Number(number) * 10 ** (3 * ("num kMGTPE".indexOf(suffix || " ") - 3));
}
