/** One stage of a Dockerfile: `FROM image AS name`, and what follows. */
export interface Stage {
  /** Its name, else its position. */
  readonly name: string;
  readonly image: string;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly kind: "WORKDIR"; readonly path: string }
  | { readonly kind: "COPY"; readonly from?: string; readonly sources: readonly string[]; readonly to: string }
  | { readonly kind: "RUN"; readonly command: string }
  | { readonly kind: "ENV" | "ARG" | "LABEL"; readonly name: string; readonly value: string }
  | { readonly kind: "USER"; readonly uid: number; readonly gid: number }
  | { readonly kind: "ENTRYPOINT"; readonly command: readonly string[] };

/**
 * Reads the part of the format that ours uses; each step stands on one line.
 *
 * @throws for anything else, with its line
 * @see https://docs.docker.com/reference/dockerfile
 */
export function parseDockerfile(text: string): readonly Stage[] {
  const stages: { name: string; image: string; steps: Step[] }[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, word = "", rest = ""] = /^([A-Z]+) (.+)$/.exec(line) ?? [];
    const from = word === "FROM" ? /^(\S+)(?: AS (\S+))?$/.exec(rest) : null;
    const last = stages.at(-1);
    if (from) stages.push({ name: from[2] ?? String(stages.length), image: from[1] ?? "", steps: [] });
    else if (last) last.steps.push(parseStep(word, rest, `Dockerfile:${index + 1}`));
    else throw new Error(`Dockerfile:${index + 1}: a step before the first FROM`);
  }
  return stages;
}

function parseStep(word: string, rest: string, place: string): Step {
  if (word === "WORKDIR") return { kind: word, path: rest };
  if (word === "RUN") return { kind: word, command: rest };
  if (word === "COPY") return parseCopy(rest.split(" "));
  if (word === "ENTRYPOINT") return { kind: word, command: JSON.parse(rest) as string[] };
  const pair = /^([^=]+)="?([^"]*)"?$/.exec(rest);
  if ((word === "ENV" || word === "ARG" || word === "LABEL") && pair)
    return { kind: word, name: pair[1] ?? "", value: pair[2] ?? "" };
  const ids = /^(\d+):(\d+)$/.exec(rest);
  if (word === "USER" && ids) return { kind: word, uid: Number(ids[1]), gid: Number(ids[2]) };
  throw new Error(`${place}: ${word} ${rest}: this step is not known`);
}

function parseCopy(words: readonly string[]): Step {
  const from = words.find((word) => word.startsWith("--from="))?.slice("--from=".length);
  const paths = words.filter((word) => !word.startsWith("--"));
  return { kind: "COPY", ...(from !== undefined && { from }), sources: paths.slice(0, -1), to: paths.at(-1) ?? "" };
}

/**
 * Whether a file is part of the build context: the last pattern of `.dockerignore` that fits it, or a folder above it,
 * decides; `!` takes in again.
 *
 * @param path relative, with slashes
 * @see https://docs.docker.com/build/concepts/context/#syntax
 */
export function isInContext(path: string, dockerignore: string): boolean {
  const patterns = dockerignore.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const parts = path.split("/");
  const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
  const deciding = patterns.findLast((pattern) => {
    const fits = expressionOf(pattern.replace(/^!/, ""));
    return prefixes.some((prefix) => fits.test(prefix));
  });
  return deciding === undefined || deciding.startsWith("!");
}

/** `*` fits names that begin with a dot, too, which Node's own globs leave out. */
function expressionOf(pattern: string): RegExp {
  const texts: Readonly<Record<string, string>> = { "**/": "(.*/)?", "*": "[^/]*", ".": "\\." };
  return new RegExp(`^${pattern.replace(/\*\*\/|[*.]/g, (part) => texts[part] ?? part)}$`);
}
