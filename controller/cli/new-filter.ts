import type { Command } from "commander";
import { CliError, usageExitCode } from "./cli-error.ts";
import { filterTemplate, repositoryTemplate } from "./filter-template.ts";
import { examples } from "./program.ts";

export interface NewFilterDeps {
  /** Version of the SDK that a new repository asks for. */
  readonly version: string;
  /** Whether there is a file or folder. */
  readonly exists: (path: string) => boolean;
  /** Writes a file, and its folders; rejects with the system's error, also where there is one. */
  readonly writeNew: (path: string, text: string) => Promise<void>;
  /** To standard output, as it is. */
  readonly print: (text: string) => void;
}

/** Adds `sluice new filter`: a folder with code, settings, test and README, in a repository that is there or a new one. */
export function registerNewFilter(group: Command, deps: NewFilterDeps): void {
  group
    .command("filter")
    .argument("<name>", "of the filter and its module: lower-case letters, digits and dashes")
    .argument("[dir]", "the repository: the filter comes into its folder filters/", ".")
    .description("make a filter that builds and passes its test at once")
    .addHelpText(
      "after",
      examples([
        "sluice new filter cart-limit",
        "# In a repository of its own",
        "sluice new filter cart-limit ~/filters",
      ]),
    )
    .action((name: string, dir: string) => newFilter(name, dir, deps));
}

async function newFilter(name: string, dir: string, deps: NewFilterDeps): Promise<void> {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new CliError(`${name} is no name of a filter; write it as cart-limit`, usageExitCode);
  }
  const folder = `${dir}/filters/${name}`;
  if (deps.exists(folder)) throw new CliError(`${folder} is there already; choose another name`);
  const isNew = !deps.exists(`${dir}/package.json`);
  const files = [...(isNew ? repositoryTemplate(deps.version) : []), ...filterTemplate(name)];
  for (const [path, text] of files) {
    await deps.writeNew(`${dir}/${path}`, text).catch((error: Error) => {
      throw new CliError(error.message);
    });
    deps.print(`${path}\n`);
  }
  const steps = isNew ? `npm install && npm test` : `npm run asbuild ${name} && npx vitest run filters/${name}`;
  deps.print(`\nNext, in ${dir}: ${steps}\n`);
}
