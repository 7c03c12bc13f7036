import type { XdsType } from "../model/resource.ts";

/** How the text of a NACK begins that names what it refuses, each as `NAME: why` (cds_api_helper.cc, lds_api.cc). */
const beginnings = /^Error adding\/updating (?:cluster|listener)\(s\) /;

/**
 * What a NACK says of each resource of the refused response: name -> why. Envoy applies the others, unless the text
 * names none at all.
 *
 * Only the texts of clusters and listeners are read. Those of the other types quote parts of the resource in no fixed
 * form, so that a name found there may be something else (`80` is a route and a port).
 *
 * @param names what the refused response held
 * @returns empty where nothing can be concluded
 */
export function blamed(type: XdsType, text: string, names: readonly string[]): ReadonlyMap<string, string> {
  const beginning = beginnings.exec(text)?.[0];
  if ((type !== "CDS" && type !== "LDS") || beginning === undefined) return new Map();
  const list = text.slice(beginning.length);
  const found = names
    .map((name) => ({ name, at: entryOf(list, name) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at);
  return new Map(
    found.map(({ name, at }, i) => {
      const why = list.slice(at + name.length + 2, found[i + 1]?.at);
      return [name, why.replace(/[\s,]+$/, "")];
    }),
  );
}

/** Where `NAME: ` stands at the start of an entry; -1 if nowhere. */
function entryOf(list: string, name: string): number {
  for (let at = list.indexOf(`${name}: `); at >= 0; at = list.indexOf(`${name}: `, at + 1)) {
    if (at === 0 || list[at - 1] === "\n" || list.slice(at - 2, at) === ", ") return at;
  }
  return -1;
}
