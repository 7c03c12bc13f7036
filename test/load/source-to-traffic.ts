// From saving a filter's source to the first response with the new code's mark, by `asbuild --watch` on a copy of it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execPath } from "node:process";
import { pathToFileURL } from "node:url";
import { call } from "../support/http.ts";
import { virtualService, wasmPlugin } from "../support/yaml.ts";
import type { Figure, Measurement } from "./figures.ts";
import { smallMesh } from "./small-mesh.ts";

const times = 10;
const root = join(import.meta.dirname, "..", "..");

/** A filter, and a text of its source that it puts on a response. */
interface Subject {
  readonly folder: string;
  readonly file: string;
  readonly mark: string;
  readonly header: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

const subjects: readonly Subject[] = [
  { folder: "examples/filters/hello", file: "index.ts", mark: "from sluice", header: "x-hello" },
  {
    folder: "filters/retry-budget",
    file: "attempt.ts",
    mark: "exhausted",
    header: "x-retry-budget",
    config: { percent: 0, minRetries: 0 },
  },
];

export const sourceToTraffic: Measurement = async (resources) => {
  const dir = await mkdtemp(join(tmpdir(), "filters-"));
  resources.defer(() => rm(dir, { recursive: true, force: true }));
  await copyFile(join(root, "asconfig.json"), join(dir, "asconfig.json"));
  await symlink(join(root, "node_modules"), join(dir, "node_modules"));
  const mesh = await smallMesh(resources, {
    "retries.yaml": virtualService("catalog", "retries: {attempts: 2, retryOn: 5xx}"),
  });
  const target = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.shop/status/503" };
  const figures: Figure[] = [];
  for (const { folder, file, mark, header, config } of subjects) {
    await cp(join(root, folder), join(dir, folder), { recursive: true });
    const name = basename(folder);
    const path = join(dir, folder, "assembly", file);
    const source = await readFile(path, "utf8");
    const asbuild = watched(resources, dir, name);
    const wasm = join(dir, "build", `${name}.wasm`);
    await mesh.waitFor(
      () => existsSync(wasm),
      () => `${name} to be built: ${asbuild.output()}`,
    );
    const [url, spec] = [pathToFileURL(wasm).href, { match: [{ mode: "CLIENT" }] }];
    await mesh.apply(`${name}.yaml`, wasmPlugin({ name, url, app: "webapp", spec, ...(config && { config }) }));
    const live = (value: string): Promise<true> =>
      mesh.waitFor(async () => (await call(target)).headers[header] === value, `${header}: ${value}`);
    await live(mark);
    const [samples, compiling]: [number[], number[]] = [[], []];
    for (let n = 1; n <= times; n++) {
      const startMs = performance.now();
      await writeFile(path, source.replaceAll(`"${mark}"`, `"${mark} ${n}"`));
      await live(`${mark} ${n}`);
      samples.push(performance.now() - startMs);
      compiling.push(asbuild.lastMs());
    }
    await mesh.remove(`${name}.yaml`);
    await asbuild.stop();
    const how = `a text of ${folder}/assembly/${file}; asked every 10 ms through webapp's sidecar`;
    figures.push({ what: `source saved to live traffic: ${name}`, samples, unit: "ms", how });
    figures.push({ what: `of it, asbuild: ${name}`, samples: compiling, unit: "ms", how: "as asbuild says itself" });
  }
  return figures;
};

/** `asbuild --watch` on one filter below `dir`. */
function watched(resources: AsyncDisposableStack, dir: string, name: string) {
  const main = join(root, "sdk", "build", "main.ts");
  const child = spawn(execPath, [main, "--watch", name], { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  const exit = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = (): Promise<void> => {
    child.kill();
    return exit;
  };
  resources.defer(stop);
  return { output: () => output, lastMs: () => Number(/(\d+) ms\s*$/.exec(output)?.[1]), stop };
}
