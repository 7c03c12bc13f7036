import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { httpAsk } from "../../controller/cli/http-ask.ts";
import controller from "../../controller/package.json" with { type: "json" };
import { contentsOf, start } from "../../deploy/image/inspect.ts";
import { type Image, perform } from "../../deploy/image/perform.ts";
import { freePort } from "../support/envoy.ts";
import { until } from "../support/wait.ts";
import { wasmPlugin } from "../support/yaml.ts";

// The image, by its Dockerfile's steps in folders: what it holds is all that its programs need, for a user who can write
// nowhere.

const into = mkdtempSync(join(tmpdir(), "sluice-image-"));
chmodSync(into, 0o755);
const children: ChildProcess[] = [];
const steps: string[] = [];
let image: Image;

beforeAll(() => {
  image = perform({ repository: dirname(dirname(import.meta.dirname)), into, say: (line) => steps.push(line) });
}, 300_000);

afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));
  rmSync(into, { recursive: true, force: true });
});

async function sluice(...args: readonly string[]) {
  const child = start(image, args);
  const [[code], out, err] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}

test("only system packages are not performed", () => {
  const after = steps.flatMap((line, index) => (line.includes("left out") ? [steps[index - 1]] : []));
  expect(after).toEqual([expect.stringContaining("python3-pip"), expect.stringMatching(/^2: apt-get .* iptables /)]);
});

test("it is small, and has nothing that only tests and builds need", () => {
  const { sizeBytes, strays } = contentsOf(image);
  expect(strays).toEqual([]);
  expect(sizeBytes).toBeLessThan(60e6);
});

test("the CLI runs, also what loads the Kubernetes client", async () => {
  const out = `client version: ${controller.version}\n`;
  expect(await sluice("version", "--remote=false")).toEqual({ code: 0, out, err: "" });
  const { code, err } = await sluice("ps", "--kubeconfig", "/nonexistent/config");
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("the kubeconfig can't be read: ENOENT") });
});

test("the init step prints its rules", async () => {
  const { code, out, err } = await sluice("init", "--dry-run");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^\* nat\n/);
});

test("the controller of a cluster loads, and says what it lacks", async () => {
  const { code, err } = await sluice("controller", "--kubernetes", "--kubeconfig", "/nonexistent/config");
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(/^Error: the kubeconfig can't be read: ENOENT/),
  });
});

test("the controller serves, with the filters of the image", async () => {
  const [mesh, identity] = [join(into, "mesh"), join(into, "identity")];
  mkdirSync(mesh);
  mkdirSync(identity);
  chmodSync(identity, 0o777); // a volume
  const config = { window: "10s", percent: 20, minRetries: 1 };
  writeFileSync(join(mesh, "plugin.yaml"), wasmPlugin({ name: "budget", url: "builtin://retry-budget", config }));
  const ports = { xds: await freePort(), monitoring: await freePort() };
  const child = start(image, [
    ...["controller", "--config", mesh, "--identity", identity],
    ...["--xds-port", String(ports.xds), "--monitoring-port", String(ports.monitoring)],
  ]);
  children.push(child);
  const page = async (path: string): Promise<unknown> =>
    JSON.parse(await httpAsk({ host: "127.0.0.1", port: ports.monitoring }, { path }));
  await until(() => page("/version"), "the controller to be ready");
  expect(await page("/debug/problemz")).toEqual([]);
  const digest = expect.stringMatching(/^[0-9a-f]{64}$/); // only a module that was found and passed its checks has one
  expect(await page("/debug/pluginz")).toMatchObject([{ ref: { name: "budget" }, digest }]);
});
