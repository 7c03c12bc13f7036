// What the deadline filter is told of a VirtualService's routes, for which Istio has no fields: annotations.
import type { HttpRoute, RouteDeadline } from "../model/virtual-service.ts";
import { durationComplaint, durationMs } from "./duration.ts";
import { type Complaint, tooFine } from "./fields.ts";
import { show } from "./issues.ts";

/** `20ms` is of all routes, `reports=2s, 20ms` has one of its own for those of a name. */
interface Setting {
  readonly annotation: string;
  readonly field: keyof RouteDeadline;
  /** The filter's own bound. */
  readonly longest: string;
  /** Whether `none` is a value, too: 0. */
  readonly hasNone: boolean;
}

const settings: readonly Setting[] = [
  { annotation: "sluice.dev/deadline-minimum", field: "minimumMs", longest: "1h", hasNone: false },
  { annotation: "sluice.dev/deadline-default", field: "defaultMs", longest: "24h", hasNone: true },
];

type Annotations = Readonly<Record<string, string>> | undefined;
type Named = { readonly name?: string | undefined };

/** What is wrong with the annotations, for the rules of the whole object. */
export function deadlineComplaints(annotations: Annotations, routes: readonly Named[]): Complaint[] {
  return settings.flatMap((setting) => {
    const text = annotations?.[setting.annotation] ?? "";
    const path = ["metadata", "annotations", setting.annotation];
    return entries(text).flatMap(({ name, value }) => {
      const complaint = valueComplaint(value, setting) ?? unknown(name, routes);
      return complaint === undefined ? [] : [{ path, message: `is ${show(text)}: ${complaint}` }];
    });
  });
}

/** Routes with what valid annotations say of them. */
export function withDeadlines(annotations: Annotations, routes: readonly HttpRoute[]): readonly HttpRoute[] {
  return settings.reduce((told, { annotation, field }) => {
    const values = new Map(
      entries(annotations?.[annotation] ?? "").map(({ name, value }) => [
        name,
        value === "none" ? 0 : durationMs(value),
      ]),
    );
    return told.map((route) => {
      const ms = values.get(route.name) ?? values.get(undefined);
      return ms === undefined ? route : { ...route, deadline: { ...route.deadline, [field]: ms } };
    });
  }, routes);
}

/** Parts between commas; one without a name is of the routes that no other part names. */
function entries(text: string): { readonly name: string | undefined; readonly value: string }[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.lastIndexOf("=");
      return { name: at < 0 ? undefined : part.slice(0, at).trim(), value: part.slice(at + 1).trim() };
    });
}

function valueComplaint(value: string, { longest, hasNone }: Setting): string | undefined {
  if (hasNone && value === "none") return undefined;
  const complaint = durationComplaint(value) ?? tooFine(value);
  return complaint ?? (durationMs(value) > durationMs(longest) ? `must be ${longest} or less` : undefined);
}

function unknown(name: string | undefined, routes: readonly Named[]): string | undefined {
  if (name === undefined || routes.some((route) => route.name === name)) return undefined;
  const names = routes.flatMap((route) => (route.name === undefined ? [] : [route.name]));
  return `no route has the name ${show(name)}; ${names.length > 0 ? `there are ${names.join(", ")}` : "give it to one"}`;
}
