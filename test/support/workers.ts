// A mesh whose Envoys have another number of workers than `sluice up` gives them: `$ENVOY` is then a script before Envoy.
import { chmod, copyFile, link, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { locateEnvoy } from "../../setup/envoy.mjs";

export interface WorkersEnvoy {
  /** For the environment of `sluice up`. */
  readonly env: { readonly ENVOY: string };
  remove(): Promise<void>;
}

/**
 * An Envoy that has so many workers whatever it is told, and that does not start where it is told nothing of them. Where
 * traffic is intercepted it is another user, who reads no tool cache: the binary is linked from there, or copied.
 */
export async function envoyOfWorkers(count: number): Promise<WorkersEnvoy> {
  const dir = await mkdtemp(join(tmpdir(), "envoy-"));
  await chmod(dir, 0o755);
  const [script, binary] = [join(dir, "envoy"), join(dir, "binary")];
  const original = await realpath(locateEnvoy().path);
  await link(original, binary).catch(() => copyFile(original, binary)); // another file system
  await writeFile(
    script,
    `#!/bin/sh
[ "$1" != --version ] || exec "${binary}" --version
for argument do
  shift
  [ "$last" != --concurrency ] || argument=${count} told=yes
  set -- "$@" "$argument"
  last=$argument
done
[ "$told" ] || { echo "envoyOfWorkers: no --concurrency to replace in: $*" >&2; exit 64; }
exec "${binary}" "$@"
`,
    { mode: 0o755 },
  );
  return { env: { ENVOY: script }, remove: () => rm(dir, { recursive: true, force: true }) };
}
