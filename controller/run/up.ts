import { Runner, type RunnerDeps, type RunnerOptions } from "./runner.ts";

/** A terminal's Ctrl-C may arrive twice, once from npm; a second one after this long is meant. */
const impatientMs = 1000;

/**
 * `sluice up`: runs until it is interrupted (SIGINT, SIGTERM, SIGHUP), then ends everything it started. A second
 * interruption ends it at once.
 *
 * @returns the exit code: 0, or 1 where it could not start, which is then in the log
 */
export async function up(options: RunnerOptions, deps: RunnerDeps): Promise<number> {
  const { log, clock } = deps;
  const runner = new Runner(options, deps);
  process.once("exit", () => runner.kill());
  let askedMs: number | undefined;
  const asked = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => {
        if (askedMs !== undefined && clock.nowMs() - askedMs > impatientMs) process.exit(1);
        askedMs ??= clock.nowMs();
        resolve();
      });
  });
  try {
    await runner.start();
    await asked;
    log.info("stopping");
    return 0;
  } catch (error) {
    log.error(error instanceof Error ? error.message : String(error));
    return 1;
  } finally {
    await runner.stop();
  }
}
