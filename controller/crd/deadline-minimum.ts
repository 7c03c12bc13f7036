// The shortest useful service time of a VirtualService's routes, for which Istio has no field: an annotation.
import type { HttpRoute } from "../model/virtual-service.ts";
import { durationComplaint, durationMs } from "./duration.ts";
import { type Complaint, tooFine } from "./fields.ts";
import { show } from "./issues.ts";

/** `20ms` is of all routes, `reports=2s, 20ms` has one of its own for those of a name. */
export const minimumAnnotation = "sluice.dev/deadline-minimum";

type Annotations = Readonly<Record<string, string>> | undefined;
type Named = { readonly name?: string | undefined };

/** The filter's own bound. */
const longestMs = 3_600_000;

/** What is wrong with the annotation, for the rules of the whole object. */
export function minimumComplaints(annotations: Annotations, routes: readonly Named[]): Complaint[] {
  const text = annotations?.[minimumAnnotation];
  if (text === undefined) return [];
  const path = ["metadata", "annotations", minimumAnnotation];
  return entries(text).flatMap(({ name, duration }) => {
    const complaint = durationComplaint(duration) ?? tooFine(duration) ?? tooLong(duration) ?? unknown(name, routes);
    return complaint === undefined ? [] : [{ path, message: `is ${show(text)}: ${complaint}` }];
  });
}

/** Routes with the minimum that a valid annotation gives them. */
export function withMinimum(annotations: Annotations, routes: readonly HttpRoute[]): readonly HttpRoute[] {
  const minimums = new Map(
    entries(annotations?.[minimumAnnotation] ?? "").map(({ name, duration }) => [name, durationMs(duration)]),
  );
  if (minimums.size === 0) return routes;
  return routes.map((route) => {
    const minimumMs = minimums.get(route.name) ?? minimums.get(undefined);
    return minimumMs === undefined ? route : { ...route, minimumMs };
  });
}

/** Parts between commas; one without a name is of the routes that no other part names. */
function entries(text: string): { readonly name: string | undefined; readonly duration: string }[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.lastIndexOf("=");
      return { name: at < 0 ? undefined : part.slice(0, at).trim(), duration: part.slice(at + 1).trim() };
    });
}

function tooLong(duration: string): string | undefined {
  return durationMs(duration) > longestMs ? "must be 1h or less" : undefined;
}

function unknown(name: string | undefined, routes: readonly Named[]): string | undefined {
  if (name === undefined || routes.some((route) => route.name === name)) return undefined;
  const names = routes.flatMap((route) => (route.name === undefined ? [] : [route.name]));
  return `no route has the name ${show(name)}; ${names.length > 0 ? `there are ${names.join(", ")}` : "give it to one"}`;
}
