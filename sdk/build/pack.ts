// npm run pack:sdk: build/sluice-sdk-<version>.tgz, the SDK as a package for a repository of its own. Node runs TypeScript only
// outside of node_modules: what it runs is compiled there, what asc reads is as it is.
import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { argv, stdout } from "node:process";

const sdk = dirname(import.meta.dirname);
const root = dirname(sdk);
const [, , out = join(root, "build")] = argv;
const stage = join(out, "sluice-sdk");

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", join(sdk, "tsconfig.pack.json"), "--outDir", stage], {
  stdio: ["ignore", "inherit", "inherit"],
});
for (const file of globSync("**/*.d.ts", { cwd: stage })) {
  const text = readFileSync(join(stage, file), "utf8");
  writeFileSync(join(stage, file), text.replace(/(from "\.[^"]*)\.ts"/g, '$1.js"'));
}
for (const file of globSync("abi/*.ts", { cwd: sdk })) {
  const text = readFileSync(join(sdk, file), "utf8"); // asc reads the numbers; what imports is for Node, and compiled
  if (!/^import /m.test(text)) writeFileSync(join(stage, file), text);
}
for (const name of ["assembly", "asconfig.json", "README.md", "API.md"]) {
  cpSync(join(sdk, name), join(stage, name), { recursive: true, filter: (path) => !path.endsWith("/testing") });
}
cpSync(join(root, "LICENSE"), join(stage, "LICENSE"));
writeFileSync(join(stage, "package.json"), `${JSON.stringify(packed(), undefined, 2)}\n`);
stdout.write(execFileSync("npm", ["pack", "--silent", "--pack-destination", out], { cwd: stage, encoding: "utf8" }));

/** package.json of the package: that of the folder, with what is compiled in the place of sources, and the compiler it needs. */
function packed(): Readonly<Record<string, unknown>> {
  const own: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(join(sdk, "package.json"), "utf8"));
  const { devDependencies }: { readonly devDependencies: Readonly<Record<string, string>> } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8"),
  );
  return {
    ...own,
    exports: {
      "./host": "./host/index.js",
      "./vitest": "./vitest/index.js",
      "./vitest/coverage": "./vitest/coverage.js",
      "./*": "./*",
    },
    bin: { "sluice-asbuild": "build/main.js" },
    engines: { node: ">=22" },
    dependencies: { assemblyscript: devDependencies["assemblyscript"] },
    peerDependencies: {
      vitest: ">=5",
      "@bufbuild/cel": devDependencies["@bufbuild/cel"],
      "@bufbuild/protobuf": ">=2.6.2",
    },
    peerDependenciesMeta: {
      vitest: { optional: true },
      "@bufbuild/cel": { optional: true },
      "@bufbuild/protobuf": { optional: true },
    },
  };
}
