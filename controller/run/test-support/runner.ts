import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultSettings } from "../../model/mesh.ts";
import type { AnyObject } from "../../model/object.ts";
import { type Clock, realClock } from "../../ports/clock.ts";
import { TestLog } from "../../ports/log.ts";
import { Runner } from "../runner.ts";
import { type Run, readRun } from "../state.ts";
import { container, deployment } from "./objects.ts";

const here = import.meta.dirname;

export const settings = defaultSettings;

/** A workload of this folder's program, on a port that is not used elsewhere. */
export function workload(name: string, { replicas = 1, version = "v1" } = {}) {
  const command = [process.execPath, join(here, "app.ts")];
  const ports = [{ name: "http", containerPort: 28_080 }];
  return deployment(name, {
    replicas,
    labels: { app: name, version },
    containers: [container({ command, ports })],
  });
}

/** A runner with stand-ins for Envoy and the controller, and a folder that tests change by `change`. */
export interface TestRunner {
  readonly runner: Runner;
  readonly log: TestLog;
  readonly runFolder: string;
  /** What the state file says now. */
  run(): Run;
  change(...objects: readonly AnyObject[]): void;
  /** Lets what waits for more than ten minutes happen now. */
  muchLater(): void;
  /** Another runner of the same folder. */
  again(): Runner;
  remove(): void;
}

export function testRunner(...objects: readonly AnyObject[]): TestRunner {
  const base = mkdtempSync(join(tmpdir(), "sluice-"));
  const dir = join(base, "mesh");
  mkdirSync(dir);
  const envoyPath = join(base, "envoy");
  writeFileSync(envoyPath, `#!/bin/sh\nexec ${process.execPath} ${join(here, "fake-envoy.ts")} "$@"\n`, {
    mode: 0o755,
  });
  const runFolder = join(base, "run");
  const log = new TestLog();
  const longWaits: (() => void)[] = [];
  const clock: Clock = {
    nowMs: realClock.nowMs,
    after(delayMs, run) {
      if (delayMs < 600_000) return realClock.after(delayMs, run);
      longWaits.push(run);
      return () => {};
    },
  };
  let change = (_: readonly AnyObject[]): void => {};
  const newRunner = (): Runner =>
    new Runner(
      { dir, settings, interception: "none" },
      {
        watch: async (_, onObjects) => {
          change = onObjects;
          onObjects(objects);
          return async () => {};
        },
        envoyPath,
        program: [process.execPath, join(here, "fake-controller.ts")],
        env: { ...process.env, SLUICE_RUN_DIR: runFolder },
        clock,
        random: Math.random,
        log,
      },
    );
  return {
    runner: newRunner(),
    log,
    runFolder,
    run() {
      const run = readRun(runFolder);
      if (!run) throw new Error("no state file");
      return run;
    },
    change: (...next) => change(next),
    muchLater() {
      for (const run of longWaits.splice(0)) run();
    },
    again: newRunner,
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}
