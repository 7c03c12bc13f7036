import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface VolumeFile {
  readonly content: Buffer;
  /** Permission bits. */
  readonly mode: number;
}

/**
 * Makes a volume hold exactly these files, all at once, as the kubelet does: they are links through `..data`, which is
 * moved to a new folder in one rename. Programs that watch a folder rely on it.
 *
 * @param files by path in the volume
 * @param group owns the files, as `fsGroup` says
 * @see k8s.io/kubernetes/pkg/volume/util/atomic_writer.go
 */
export async function writeVolume(dir: string, files: ReadonlyMap<string, VolumeFile>, group = 0): Promise<void> {
  if (await holds(dir, files)) return;
  const data = await mkdtemp(join(dir, "..data-"));
  await fill(data, files, group);
  const old = await readdir(dir);
  const next = join(dir, "..data_tmp");
  await symlink(data.slice(dir.length + 1), next);
  await rename(next, join(dir, "..data"));
  const top = new Set([...files.keys()].map((path) => path.split("/")[0] ?? ""));
  for (const name of top) if (!old.includes(name)) await symlink(join("..data", name), join(dir, name));
  for (const name of old) {
    const stale = name.startsWith("..") ? name.startsWith("..data-") && join(dir, name) !== data : !top.has(name);
    if (stale) await rm(join(dir, name), { recursive: true });
  }
}

async function fill(data: string, files: ReadonlyMap<string, VolumeFile>, group: number): Promise<void> {
  await chmod(data, 0o755); // mkdtemp's is for its owner only
  for (const [path, { content, mode }] of files) {
    const file = join(data, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode });
    if (group !== 0) await chown(file, 0, group);
  }
}

async function holds(dir: string, files: ReadonlyMap<string, VolumeFile>): Promise<boolean> {
  const there = await readdir(join(dir, "..data"), { recursive: true, withFileTypes: true }).catch(() => undefined);
  const paths = there?.filter((one) => one.isFile()).length;
  if (paths !== files.size) return false;
  for (const [path, { content }] of files) {
    const old = await readFile(join(dir, "..data", path)).catch(() => undefined);
    if (!old?.equals(content)) return false;
  }
  return true;
}
