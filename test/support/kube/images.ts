// There is no container engine: an image is a program of this machine, with files that its containers find where the
// real image has them.
import { dirname, join, posix } from "node:path";
import { execPath } from "node:process";
import { locateEnvoy } from "../../../setup/envoy.mjs";

const root = dirname(dirname(dirname(import.meta.dirname)));
/** Where containers find this repository. */
export const repo = "/repo";

export interface Image {
  /** What a container sees beside this machine's own files: its path -> the file or folder here. Read-only. */
  readonly files?: Readonly<Record<string, string>>;
  /** Runs where the container has no `command`; its `args` follow. */
  readonly entrypoint: readonly string[];
  /** Default `/`. */
  readonly workingDir?: string;
  /** Default 0. */
  readonly uid?: number;
}

/** By the beginning of an image's name, `istioinaction/catalog`; the longest that fits counts. */
export type Images = Readonly<Record<string, Image>>;

/** @throws where the table has none */
export function imageOf(images: Images, name: string): Image {
  const prefix = Object.keys(images)
    .filter((one) => name.startsWith(one))
    .sort((a, b) => b.length - a.length)[0];
  const image = prefix === undefined ? undefined : images[prefix];
  if (!image) throw new Error(`no image ${name}: the test's images are ${Object.keys(images).join(", ") || "none"}`);
  return image;
}

/** A program of this repository, run by Node: `controller/main.ts`. Other Node programs can be a container's `command`. */
export function nodeImage(program: string, more: Partial<Image> = {}): Image {
  return {
    entrypoint: ["node", posix.join(repo, program)],
    workingDir: posix.join(repo, posix.dirname(program)),
    ...more,
    files: { [repo]: root, "/usr/local/bin/node": execPath, ...more.files },
  };
}

/** Envoy's own image: no more than the binary and a default entrypoint that nobody uses. */
export function envoyImage(): Image {
  return { entrypoint: ["envoy"], files: { "/usr/local/bin/envoy": locateEnvoy().path } };
}

/** What the story runs: Sluice, Envoy and the shop, by the names that the manifests use. */
export function storyImages(): Images {
  const shop = (service: string): Image => nodeImage(join("examples/outfitters", service, "main.ts"));
  return {
    "sluice/sluice": nodeImage("controller/main.ts"),
    "envoyproxy/envoy": envoyImage(),
    "istioinaction/catalog": shop("catalog"),
    "istioinaction/webapp": shop("webapp"),
  };
}
