import { stringify } from "yaml";

/**
 * YAML documents, in the order of the objects.
 *
 * @param once what an object has more than once is written once and referred to: the schema of each version of a kind
 */
export function yamlOf(objects: readonly object[], { once = false }: { readonly once?: boolean } = {}): string {
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: once })}`).join("");
}
