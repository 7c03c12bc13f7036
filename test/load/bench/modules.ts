// The same filter, one header added to each request and each response, made with each SDK. What is slow to build or
// needs a toolchain of its own is built once a machine, into the tool cache.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, globSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { cacheDir, cached, say } from "../../../setup/cache.mjs";
import { filterModule } from "../../support/filter-module.ts";

/** A module that adds `x-hello: from sluice` to a request and to its response. */
export interface HelloModule {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A module that can't be built here, and what to do about it. */
export interface MissingModule {
  readonly name: string;
  readonly why: string;
}

interface Rival {
  readonly name: string;
  /** Folder in `hello/`. */
  readonly folder: string;
  readonly commands: readonly (readonly [program: string, ...args: string[]])[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where the module is then, in a copy of the folder. */
  readonly module: string;
  /** How to get what builds it. */
  readonly needs: string;
}

const sources = join(import.meta.dirname, "hello");

const rivals: readonly Rival[] = [
  {
    name: "Gcore, AssemblyScript",
    folder: "gcore",
    commands: [
      ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
      ["npm", "run", "build"],
    ],
    module: "hello.wasm",
    needs: "an npm registry",
  },
  {
    name: "Rust",
    folder: "rust",
    commands: [[env["CARGO"] ?? "cargo", "build", "--release", "--locked", "--target", "wasm32-wasip1"]],
    module: "target/wasm32-wasip1/release/hello.wasm",
    needs:
      "Rust 1.84 or later (https://rustup.rs) on the PATH or in $CARGO, `rustup target add wasm32-wasip1`, and crates.io",
  },
  {
    name: "Go",
    folder: "go",
    commands: [[env["GO"] ?? "go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", "hello.wasm"]],
    env: { GOOS: "wasip1", GOARCH: "wasm", GOFLAGS: "-mod=readonly" },
    module: "hello.wasm",
    needs: "Go 1.24 or later (https://go.dev/dl) on the PATH or in $GO, and the Go module proxy",
  },
];

/** All that can be built here: by hand first, then this SDK, then the others. */
export async function helloModules(): Promise<readonly (HelloModule | MissingModule)[]> {
  return [
    { name: "by hand", bytes: await byHand() },
    { name: "this SDK", bytes: new Uint8Array(await filterModule("hello")) },
    ...rivals.map(built),
  ];
}

/** Of the other SDKs, as far as this machine's tool cache has them: nothing is built here. */
export function cachedHello(): readonly HelloModule[] {
  return rivals.flatMap(({ name, folder }) => {
    const entry = join(cacheDir(), helloKey(folder));
    return existsSync(entry) ? [{ name, bytes: moduleIn(entry) }] : [];
  });
}

function built(rival: Rival): HelloModule | MissingModule {
  const { name, folder } = rival;
  try {
    return { name, bytes: moduleIn(cached(helloKey(folder), (dir) => build(rival, dir))) };
  } catch (error) {
    return { name, why: error instanceof Error ? error.message : String(error) };
  }
}

/** Names what is built of a folder of `hello/`: it changes with the sources. */
export function helloKey(folder: string): string {
  return `hello-${folder}-${digestOf(join(sources, folder))}`;
}

function moduleIn(entry: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(entry, "hello.wasm")));
}

/** Leaves `hello.wasm` in `dir`, and nothing else. */
function build({ name, folder, commands, env: more, module, needs }: Rival, dir: string): void {
  say(`building hello of ${name}`);
  cpSync(join(sources, folder), dir, { recursive: true });
  for (const [program, ...args] of commands) {
    const { error, status, stderr } = spawnSync(program, args, {
      cwd: dir,
      encoding: "utf8",
      env: { ...env, ...more },
    });
    const reason = error?.message ?? stderr.trim().split("\n").at(-1);
    if (status !== 0) throw new Error(`${program} failed (${reason}); it needs ${needs}`);
  }
  const made = join(dir, ".made.wasm");
  renameSync(join(dir, module), made);
  for (const file of readdirSync(dir)) if (file !== ".made.wasm") rmSync(join(dir, file), { recursive: true });
  renameSync(made, join(dir, "hello.wasm"));
}

function digestOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of globSync("**", { cwd: folder }).sort())
    if (statSync(join(folder, file)).isFile()) hash.update(`${file}\0`).update(readFileSync(join(folder, file)));
  return hash.digest("hex").slice(0, 12);
}

async function byHand(): Promise<Uint8Array<ArrayBuffer>> {
  const { asc } = await import("../../../sdk/build/compiler.ts");
  const messages = asc.createMemoryStream();
  let bytes: Uint8Array | undefined;
  const { error } = await asc.main(
    ["assembly/index.ts", "--baseDir", join(sources, "raw"), "--outFile", "raw.wasm", ...byHandFlags],
    {
      stderr: messages,
      readFile: (name, base) => readFile(join(base, name), "utf8").catch(() => null),
      writeFile: (_, contents) => {
        if (typeof contents !== "string") bytes = contents;
      },
      listFiles: () => null,
    },
  );
  if (error || bytes === undefined) throw new Error(messages.toString() || String(error));
  return new Uint8Array(bytes);
}

const byHandFlags = [
  ...["--config", "none", "--runtime", "stub", "-O2", "--shrinkLevel", "1"],
  ...["--exportStart", "_initialize", "--use", "abort="],
];
