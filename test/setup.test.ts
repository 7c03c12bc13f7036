import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { envoyVersionMin, locateEnvoy } from "../setup/envoy.mjs";

const dir = mkdtempSync(join(tmpdir(), "envoys-"));
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

/** A program that answers `--version` with a line. */
function program(name: string, line: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\necho '${line}'\n`);
  chmodSync(path, 0o755);
  return path;
}

const versionLine = (version: string): string =>
  `envoy  version: 0123456789abcdef0123456789abcdef01234567/${version}/Clean/RELEASE/BoringSSL`;

describe("which Envoy runs", () => {
  test("$ENVOY, if it is new enough", () => {
    const path = program("new", versionLine("1.41.2"));
    vi.stubEnv("ENVOY", path);
    expect(locateEnvoy()).toEqual({ path, version: "1.41.2" });
  });

  test("else the first on the PATH", () => {
    const path = program("envoy", versionLine("1.40.0"));
    vi.stubEnv("ENVOY", "");
    vi.stubEnv("PATH", `${dir}${delimiter}${process.env["PATH"]}`);
    expect(locateEnvoy()).toEqual({ path, version: "1.40.0" });
  });

  test("else the pinned one", () => {
    vi.stubEnv("ENVOY", "");
    vi.stubEnv("PATH", "/usr/bin:/bin");
    expect(locateEnvoy().version).toBe(envoyVersionMin);
  });

  test.each([
    ["too old", versionLine("1.9.30"), /is 1\.9\.30, Sluice needs 1\.40\.0 or later; set ENVOY to a newer binary/],
    ["something else", "hello", /--version printed no version: hello/],
  ])("one that is %s is refused with what to do", (name, line, message) => {
    vi.stubEnv("ENVOY", program(name.replace(" ", "-"), line));
    expect(() => locateEnvoy()).toThrow(message);
  });

  test("one that is missing is refused with what to do", () => {
    vi.stubEnv("ENVOY", join(dir, "none"));
    expect(() => locateEnvoy()).toThrow(/does not run: .*ENOENT; unset ENVOY to use the pinned one/);
  });
});
