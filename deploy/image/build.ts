// node deploy/image/build.ts [FOLDER]: performs the steps of the Dockerfile without a container engine, below FOLDER (else
// in a folder that is removed again), runs what came of it as the image's user, and prints its size.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process, { argv, stdout } from "node:process";
import { text } from "node:stream/consumers";
import { contentsOf, start } from "./inspect.ts";
import { type Image, perform } from "./perform.ts";

const say = (line: string): void => void stdout.write(`${line}\n`);
const repository = dirname(dirname(import.meta.dirname));
const named = argv[2];
const into = named === undefined ? mkdtempSync(join(tmpdir(), "sluice-image-")) : resolve(named);

try {
  mkdirSync(into, { recursive: true });
  chmodSync(into, 0o755); // the image's user has to get in
  const image = perform({ repository, into, say });
  const { sizeBytes, files, strays } = contentsOf(image);
  for (const path of strays) say(`should not be there: ${path}`);
  const works = [await ends(image, "version", "--remote=false"), await ends(image, "init", "--dry-run")];
  say(`${(sizeBytes / 1e6).toFixed(1)} MB in ${files} files, besides Node and the system packages of the base image`);
  if (strays.length > 0 || works.includes(false)) process.exitCode = 1;
} finally {
  if (named === undefined) rmSync(into, { recursive: true, force: true });
}

/** Whether a command of the image ends well; what it says is printed. */
async function ends(image: Image, ...args: readonly string[]): Promise<boolean> {
  const child = start(image, args);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  say(`sluice ${args.join(" ")}: ${code === 0 ? "✔" : `exit code ${code}`}\n${out}${err}`.trimEnd());
  return code === 0;
}
