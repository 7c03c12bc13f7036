// A real Kubernetes API for the tests: kube-apiserver, kube-controller-manager, kubectl, etcd and the tests' own kubelet,
// built from the Go modules pinned in setup/kube, and Istio's definitions, which are a file of one, once a machine. `node
// setup/kube.mjs` makes what is not there yet.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { arch, argv, env, exit, getuid, pid, platform } from "node:process";
import { fileURLToPath } from "node:url";
import { cacheDir, cached, say } from "./cache.mjs";

const sources = join(dirname(fileURLToPath(import.meta.url)), "kube");

/**
 * @typedef {object} Kube paths of the binaries
 * @property {string} apiserver
 * @property {string} controllerManager
 * @property {string} kubectl
 * @property {string} etcd
 * @property {string} kubelet the tests' own, which answers exec, port-forward and logs for processes of this machine
 * @property {string} istioDefinitions Istio's own CustomResourceDefinitions: YAML
 */

/**
 * In this order: each takes less once those before it have been compiled. `module` is a folder of setup/kube, `pin` the
 * requirement in its go.mod that says which version this is.
 */
const binaries = /** @type {const} */ ([
  {
    as: "apiserver",
    name: "kube-apiserver",
    module: "kubernetes",
    pin: "k8s.io/kubernetes",
    from: "k8s.io/kubernetes/cmd/kube-apiserver",
    takes: "5 min",
  },
  {
    as: "controllerManager",
    name: "kube-controller-manager",
    module: "kubernetes",
    pin: "k8s.io/kubernetes",
    from: "k8s.io/kubernetes/cmd/kube-controller-manager",
    takes: "2 min",
  },
  {
    as: "kubectl",
    name: "kubectl",
    module: "kubernetes",
    pin: "k8s.io/kubernetes",
    from: "k8s.io/kubernetes/cmd/kubectl",
    takes: "20 s",
  },
  {
    as: "etcd",
    name: "etcd",
    module: "etcd",
    pin: "go.etcd.io/etcd/server/v3",
    from: "go.etcd.io/etcd/server/v3",
    takes: "30 s",
  },
  { as: "kubelet", name: "kubelet", module: "kubelet", pin: "k8s.io/cri-streaming", from: ".", takes: "20 s" },
]);

const istio = /** @type {const} */ ({
  as: "istioDefinitions",
  name: "istio-definitions.yaml",
  module: "istio",
  pin: "istio.io/api",
  from: "kubernetes/customresourcedefinitions.gen.yaml",
});

/** What the pods of the tests are made with, each in a Debian package of util-linux, iproute2, iptables or procps. */
const tools = ["ip", "iptables", "nsenter", "setpriv", "unshare", "mount"];

/**
 * Why tests can't have a Kubernetes here however much is built; `undefined` where they can.
 *
 * @returns {string | undefined} half a sentence
 */
export function kubeObstacle() {
  if (platform !== "linux" || getuid?.() !== 0) return "its pods need network namespaces: Linux and root";
  const missing = tools.filter((tool) => !onPath(tool));
  if (missing.length > 0) return `its pods need ${missing.join(", ")}`;
  if (spawnSync("unshare", ["--net", "--mount", "--pid", "--fork", "true"]).status !== 0)
    return "its pods need network namespaces, which this root may not make";
  return undefined;
}

/**
 * What this clone's pins say, where all of it is in the tool cache; builds nothing.
 *
 * @returns {Kube | undefined}
 */
export function locateKube() {
  const paths = [...binaries, istio].map((one) => [one.as, join(cacheDir(), keyOf(one), one.name)]);
  return paths.every(([, path]) => existsSync(path ?? "")) ? Object.fromEntries(paths) : undefined;
}

/**
 * Builds what is not in the tool cache, each an entry of its own, so that an interrupted run keeps what it has finished.
 * Go's own caches (3.8 GiB) are thrown away afterwards where `$GOCACHE` and `$GOMODCACHE` don't name ones to keep.
 *
 * @throws {Error} with what to do, where Go is missing or can't build
 */
export function buildKube() {
  const go = env["GO"] || "go";
  if (locateKube()) return;
  if (!onPath(go))
    throw new Error(
      "No Go, which builds the Kubernetes API of the tests: install Go 1.26 or later (https://go.dev/dl) and have `go` on the PATH, or name it in $GO",
    );
  const scratch = join(cacheDir(), `.go-${pid}`);
  removeLeftovers();
  try {
    cached(keyOf(istio), (dir) => copyFileSync(moduleFile(go, istio, scratch), join(dir, istio.name)));
    for (const [i, binary] of binaries.entries()) {
      cached(keyOf(binary), (dir) => {
        say(`building ${binary.name} (${i + 1} of ${binaries.length}, about ${binary.takes})`);
        build(go, binary, { dir, scratch });
      });
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** @param {string} go @param {typeof binaries[number]} binary @param {{dir: string, scratch: string}} folders */
function build(go, { name, module, from, pin }, { dir, scratch }) {
  const stamp = module === "kubernetes" ? versionFlags(versionOf(module, pin)) : [];
  const args = ["build", "-trimpath", "-buildvcs=false", "-modcacherw", "-ldflags", ["-s", "-w", ...stamp].join(" ")];
  const { status, stderr } = run(go, [...args, "-o", join(dir, name), from], { module, scratch });
  if (status !== 0)
    throw new Error(
      `go build of ${name} failed; it needs 3 GiB of memory, 5 GiB of disk, and the Go module proxy:\n${stderr.split("\n").slice(-20).join("\n")}`,
    );
}

/**
 * Path of a file of a module that is not built; go.sum says what the module must be.
 *
 * @param {string} go @param {typeof istio} file @param {string} scratch
 */
function moduleFile(go, { module, pin, from }, scratch) {
  const args = ["mod", "download", "-modcacherw", "-json", `${pin}@v${versionOf(module, pin)}`];
  const { status, stdout, stderr } = run(go, args, { module, scratch });
  if (status !== 0)
    throw new Error(`go mod download of ${pin} failed; it needs the Go module proxy:\n${stdout}${stderr}`);
  return join(JSON.parse(stdout).Dir, from);
}

/** @param {string} go @param {readonly string[]} args @param {{module: string, scratch: string}} folders */
function run(go, args, { module, scratch }) {
  mkdirSync(scratch, { recursive: true });
  return spawnSync("nice", ["-n", "5", go, ...args], {
    cwd: join(sources, module),
    encoding: "utf8",
    env: {
      GOCACHE: join(scratch, "build"),
      GOMODCACHE: join(scratch, "modules"),
      ...env,
      CGO_ENABLED: "0",
      GOFLAGS: "-mod=readonly",
    },
  });
}

/**
 * What Kubernetes' own build stamps in; without it clients see version 0.0.0 and kubectl warns of the skew.
 *
 * @param {string} version `1.37.2`
 */
function versionFlags(version) {
  const [major, minor] = version.split(".");
  const values = {
    gitVersion: `v${version}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: "clean",
    gitCommit: "unknown",
    buildDate: "2026-01-01T00:00:00Z",
  };
  return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((pkg) =>
    Object.entries(values).map(([key, value]) => `-X ${pkg}.${key}=${value}`),
  );
}

/** Name and version of what it is, and a digest of all that it is built from. @param {{name: string, module: string, pin: string}} made */
function keyOf({ name, module, pin }) {
  const hash = createHash("sha256").update(`${platform}-${arch}`);
  const dir = join(sources, module);
  for (const file of readdirSync(dir).sort()) hash.update(`\0${file}\0`).update(readFileSync(join(dir, file)));
  return `${name}-${versionOf(module, pin)}-${hash.digest("hex").slice(0, 12)}`;
}

/** @param {string} module @param {string} pin */
function versionOf(module, pin) {
  const words = readFileSync(join(sources, module, "go.mod"), "utf8").split(/\s+/);
  const version = words[words.indexOf(pin) + 1];
  if (!version?.startsWith("v")) throw new Error(`setup/kube/${module}/go.mod does not require ${pin}`);
  return version.slice(1);
}

/** Go's caches of runs that were killed. */
function removeLeftovers() {
  if (!existsSync(cacheDir())) return;
  for (const name of readdirSync(cacheDir())) {
    const owner = /^\.go-(\d+)$/.exec(name)?.[1];
    if (owner !== undefined && !existsSync(`/proc/${owner}`))
      rmSync(join(cacheDir(), name), { recursive: true, force: true });
  }
}

/** @param {string} program */
function onPath(program) {
  const found = program.includes("/")
    ? [program]
    : (env["PATH"] ?? "").split(delimiter).map((dir) => join(dir, program));
  return found.some((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const obstacle = kubeObstacle();
    if (obstacle !== undefined) throw new Error(`no tests on a real Kubernetes API here: ${obstacle}`);
    buildKube();
  } catch (error) {
    say(`${error instanceof Error ? error.message : error}`);
    exit(1);
  }
}
