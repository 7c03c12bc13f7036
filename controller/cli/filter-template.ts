// What `sluice new filter` writes: a filter that builds and passes its test at once, and what a repository needs to hold it. Pure.

/** Files by path, relative to the repository. */
export type Template = ReadonlyMap<string, string>;

/** A filter's folder. @param name such as `cart-limit` */
export function filterTemplate(name: string): Template {
  const folder = `filters/${name}`;
  return new Map([
    [`${folder}/assembly/index.ts`, code(pascalCase(name))],
    [`${folder}/assembly/config.ts`, config],
    [`${folder}/assembly/tsconfig.json`, editor],
    [`${folder}/${name}.test.ts`, test(name)],
    [`${folder}/README.md`, readme(name)],
  ]);
}

/** A repository of its own around filters. @param sdk version of `@sluice/sdk` */
export function repositoryTemplate(sdk: string): Template {
  const manifest = {
    private: true,
    type: "module",
    scripts: {
      asbuild: "sluice-asbuild",
      pretest: "sluice-asbuild --if-changed",
      test: "vitest run",
      precoverage: "sluice-asbuild --coverage",
      coverage: "vitest run --coverage",
    },
    devDependencies: { "@sluice/sdk": sdk, "@vitest/coverage-istanbul": "^5.1.1", vitest: "^5.1.1" },
  };
  return new Map([
    ["package.json", `${JSON.stringify(manifest, undefined, 2)}\n`],
    ["vitest.config.ts", vitestConfig],
    ["asconfig.json", '{ "extends": "./node_modules/@sluice/sdk/asconfig.json" }\n'],
    [".gitignore", "node_modules/\nbuild/\ncoverage/\n"],
  ]);
}

function pascalCase(name: string): string {
  return name.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}

const code = (
  name: string,
) => `import { Config, HeadersAction, HttpContext, Plugin, registerPlugin } from "@sluice/sdk/assembly";
import { Settings } from "./config";

/** One for each configuration and worker: what outlives a request lives here. */
class ${name} extends Plugin {
  settings: Settings | null = null;

  onConfigure(config: Config): void {
    this.settings = config.read<Settings>();
  }

  createHttpContext(): HttpContext {
    return new ${name}Stream(this.settings!);
  }
}

/** One request and its response. */
class ${name}Stream extends HttpContext {
  constructor(private settings: Settings) {
    super();
  }

  onResponseHeaders(endOfStream: bool): HeadersAction {
    this.responseHeaders.set(this.settings.header, this.settings.value);
    return HeadersAction.Continue;
  }
}

registerPlugin(() => new ${name}());
`;

const config = `import { HeaderName } from "@sluice/sdk/assembly";

@config
export class Settings {
  /** Header that each response gets. */
  header: HeaderName = "x-filter";
  /** What it says. */
  value: string = "hello";
}
`;

const vitestConfig = `import { defineConfig } from "vitest/config";

const covers = process.argv.some((one) => one.startsWith("--coverage"));

export default defineConfig({
  test: {
    setupFiles: covers ? ["@sluice/sdk/vitest/coverage"] : [],
    coverage: { provider: "istanbul" },
  },
});
`;

const testImports = [
  'import { join } from "node:path";',
  'import { ConfigRefused, Host } from "@sluice/sdk/host";',
  'import { expect, test } from "vitest";',
  'import "@sluice/sdk/vitest";',
].join("\n");

/** By it editors know AssemblyScript's types, and the decorators of settings. */
const editor = '{ "extends": "@sluice/sdk/assembly/editor/tsconfig.json", "include": ["**/*.ts"] }\n';

const test = (name: string) => `${testImports}

const module = join(import.meta.dirname, "../../build/${name}.wasm");

test("a response says hello", async () => {
  const host = await Host.load(module);
  expect(host.fetch({ path: "/" })).toHaveHeader("x-filter", "hello");
});

test("header and value are settings", async () => {
  const host = await Host.load(module, { config: { header: "x-name", value: "${name}" } });
  expect(host.fetch({ path: "/" })).toHaveHeader("x-name", "${name}");
});

test("a header with a space is refused", async () => {
  await expect(Host.load(module, { config: { header: "x name" } })).rejects.toThrow(ConfigRefused);
});
`;

const readme = (name: string) => `# ${name}

Adds a header to each response.

| setting | default | what it says |
|---|---|---|
| \`header\` | \`x-filter\` | name of the header |
| \`value\` | \`hello\` | its value |

\`\`\`
npm run asbuild ${name}
npx vitest run filters/${name}
\`\`\`
`;
