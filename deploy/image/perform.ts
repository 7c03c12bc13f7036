// EDGE. Performs the steps of the Dockerfile in folders instead of containers: each stage's root is a folder, and its
// commands run on this machine, in that folder. What installs system packages is not done: it would change this machine.
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { env, execPath } from "node:process";
import { isInContext, parseDockerfile, type Stage, type Step } from "./dockerfile.ts";

/** What came of it: the last stage. */
export interface Image {
  /** The folder that stands for `/`. */
  readonly root: string;
  /** Variables that the steps set; `$PATH` in them is the machine's, after the folder of the image's Node. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly entrypoint: readonly string[];
}

export interface PerformOptions {
  /** The clone whose Dockerfile it is. */
  readonly repository: string;
  /** An empty folder; the stages' roots will be in it. */
  readonly into: string;
  /** Called before each step, and for each that is left out. */
  readonly say: (line: string) => void;
}

/** @throws where a step fails */
export function perform({ repository, into, say }: PerformOptions): Image {
  const stages = parseDockerfile(readFileSync(join(repository, "Dockerfile"), "utf8"));
  const context = contextOf(repository);
  const images = stages.map((stage) => performStage(stage, { into, repository, context, say }));
  const last = images.at(-1);
  if (!last) throw new Error("Dockerfile: has no FROM");
  return last;
}

interface Surroundings extends PerformOptions {
  /** Files of the repository that `.dockerignore` lets through. */
  readonly context: readonly string[];
}

function performStage(stage: Stage, around: Surroundings): Image {
  const root = join(around.into, stage.name);
  const bin = join(root, "usr", "local", "bin");
  mkdirSync(bin, { recursive: true });
  copyFileSync(execPath, join(bin, "node")); // as the image of Node has it
  let workdir = root;
  let image: Image = { root, env: { PATH: `${bin}:${env["PATH"]}` }, user: { uid: 0, gid: 0 }, entrypoint: [] };
  for (const step of stage.steps) {
    around.say(`${stage.name}: ${textOf(step)}`);
    if (step.kind === "WORKDIR") workdir = join(root, step.path);
    else if (step.kind === "COPY") copy(step, workdir, around);
    else if (step.kind === "RUN") run(step.command, { cwd: workdir, env: image.env, say: around.say });
    else if (step.kind === "ENV") image = { ...image, env: { ...image.env, [step.name]: expanded(step.value, image) } };
    else if (step.kind === "USER") image = { ...image, user: step };
    else if (step.kind === "ENTRYPOINT") image = { ...image, entrypoint: step.command };
  }
  return image;
}

function textOf(step: Step): string {
  if (step.kind === "RUN") return step.command;
  return step.kind === "COPY" ? `COPY ${step.from ?? ""} ${step.sources.join(" ")} -> ${step.to}` : step.kind;
}

/** Absolute paths of the image become paths under its root. */
function expanded(value: string, { root, env: known }: Image): string {
  return value
    .split(":")
    .map((part) =>
      part.startsWith("/") ? join(root, part) : part.replace(/^\$(\w+)$/, (_, name) => known[name] ?? ""),
    )
    .join(":");
}

interface RunOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
}

function run(command: string, { cwd, env: own, say }: RunOptions): void {
  mkdirSync(cwd, { recursive: true });
  if (command.startsWith("apt-get ")) say("  left out: system packages are not installed here");
  else execFileSync("sh", ["-c", command], { cwd, env: { ...env, ...own }, stdio: ["ignore", "ignore", "inherit"] });
}

/** Like Docker: a folder's content goes into the folder `to`, files go into `to/`, one file can get a new name. */
function copy({ from, sources, to }: Step & { kind: "COPY" }, workdir: string, around: Surroundings): void {
  const target = resolve(workdir, to);
  for (const source of sources) {
    const base = from === undefined ? around.repository : join(around.into, from);
    const path = join(base, source);
    const isDirectory = statSync(path).isDirectory();
    const place = isDirectory || !/\/$/.test(to) ? target : join(target, basename(source));
    if (from !== undefined) cpSync(path, place, { recursive: true, verbatimSymlinks: true });
    else
      for (const file of filesUnder(around.context, source))
        cpSync(join(base, file), join(place, relative(source, file)));
  }
}

function filesUnder(files: readonly string[], source: string): readonly string[] {
  const found = files.filter((file) => source === "." || file === source || file.startsWith(`${source}/`));
  if (found.length === 0) throw new Error(`COPY ${source}: .dockerignore leaves nothing of it`);
  return found;
}

function contextOf(repository: string): readonly string[] {
  const dockerignore = readFileSync(join(repository, ".dockerignore"), "utf8");
  const walk = (folder: string): string[] =>
    readdirSync(join(repository, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.name === ".git" || entry.name === "node_modules") return []; // large, and never let through
      return entry.isDirectory() ? walk(path) : [path];
    });
  return walk("").filter((path) => isInContext(path, dockerignore));
}
