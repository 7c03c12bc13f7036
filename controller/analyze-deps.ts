// The outside world of `sluice analyze`.
import { readFile, stat } from "node:fs/promises";
import { stdin } from "node:process";
import { text } from "node:stream/consumers";
import type { AnalyzeDeps } from "./cli/analyze.ts";
import type { TextFile } from "./cli/analyze-files.ts";
import { defaultSettings } from "./model/mesh.ts";
import { type Problem, problemText } from "./model/problem.ts";
import { Preflight } from "./modules/preflight.ts";
import { builtinFile, readModule } from "./modules/read-module.ts";
import { ModuleStore } from "./modules/store.ts";
import { Walk } from "./sources/walk.ts";

/** Beside what the other commands need. */
export const analyzeDeps: Pick<AnalyzeDeps, "settings" | "readFiles" | "tryModules"> = {
  settings: defaultSettings,
  readFiles,
  tryModules,
};

async function readFiles(path: string): Promise<readonly TextFile[]> {
  const read = async (file: string): Promise<TextFile> => ({ file, text: await readFile(file, "utf8") });
  if (path === "-") return [{ file: "stdin", text: await text(stdin) }];
  if (!(await stat(path)).isDirectory()) return [await read(path)];
  const walk = new Walk(async () => undefined);
  await walk.enter(path, 0);
  if (walk.problems.length > 0) throw new Error(walk.problems.map(problemText).join("\n"));
  return Promise.all([...walk.files.keys()].map(read));
}

async function tryModules(plugins: Parameters<AnalyzeDeps["tryModules"]>[0]): Promise<readonly Problem[]> {
  if (plugins.length === 0) return [];
  const preflight = new Preflight();
  const modules = new ModuleStore({
    read: readModule,
    check: (job) => preflight.check(job),
    builtinFile,
    onChange: () => {},
  });
  const problems = await Promise.all(plugins.map((plugin) => modules.problemsOf(plugin)));
  preflight.close();
  return problems.flat();
}
