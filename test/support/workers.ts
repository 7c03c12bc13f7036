// A mesh whose Envoys have another number of workers than `sluice up` gives them: `$ENVOY` is then a script before Envoy.
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateEnvoy } from "../../setup/envoy.mjs";

export interface WorkersEnvoy {
  /** For the environment of `sluice up`. */
  readonly env: { readonly ENVOY: string };
  remove(): Promise<void>;
}

/** An Envoy that has so many workers whatever it is told. Where traffic is intercepted it is another user, who reads no tool cache. */
export async function envoyOfWorkers(count: number): Promise<WorkersEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "envoy-"));
  await chmod(dir, 0o755);
  const [script, binary] = [join(dir, "envoy"), join(dir, "binary")];
  await copyFile(locateEnvoy().path, binary);
  await writeFile(
    script,
    `#!/bin/sh
for argument do
  shift
  [ "$last" != --concurrency ] || argument=${count}
  set -- "$@" "$argument"
  last=$argument
done
exec "${binary}" "$@"
`,
    { mode: 0o755 },
  );
  return { env: { ENVOY: script }, remove: () => rm(dir, { recursive: true, force: true }) };
}
