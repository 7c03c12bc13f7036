import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { buildKube, kubeObstacle, locateKube } from "../setup/kube.mjs";

const empty = mkdtempSync(join(tmpdir(), "no-kube-"));
afterAll(() => rmSync(empty, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

describe("a Kubernetes API for tests", () => {
  test("is not there where nothing is cached, and nothing is built to find that out", () => {
    vi.stubEnv("SLUICE_CACHE", empty);
    expect(locateKube()).toBeUndefined();
  });

  test("is not built without Go, with what to do", () => {
    vi.stubEnv("SLUICE_CACHE", empty);
    vi.stubEnv("PATH", empty);
    vi.stubEnv("GO", "");
    expect(() => buildKube()).toThrow(/No Go.*install Go 1\.26 or later .*have `go` on the PATH, or name it in \$GO/);
  });

  test.runIf(process.platform === "linux" && process.getuid?.() === 0)("says which tools its pods lack", () => {
    vi.stubEnv("PATH", empty);
    expect(kubeObstacle()).toBe("its pods need ip, iptables, nsenter, setpriv, unshare, mount");
  });
});
