// A copy of this repository in which a test may do what a reader does: change the mesh, the filters, what is built.
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";

const root = dirname(dirname(import.meta.dirname));
/** `node_modules` is linked entry by entry, so that an `npm ci` in the copy would only remove links. */
const notCopied = [".git", "node_modules", join("build", "test")];

export interface Checkout {
  readonly root: string;
  remove(): Promise<void>;
}

/** Copies the working tree with what is built and generated. Its workspaces are its own, other packages are linked. */
export async function copyRepository(): Promise<Checkout> {
  const copy = await realpath(await mkdtemp(join(tmpdir(), "sluice-")));
  await cp(root, copy, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !notCopied.includes(relative(root, path)),
  });
  const [from, to] = [join(root, "node_modules"), join(copy, "node_modules")];
  await mkdir(to);
  for (const name of await readdir(from)) {
    if (name === ".bin" || name === "@sluice")
      await cp(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
    else await symlink(join(from, name), join(to, name));
  }
  return { root: copy, remove: () => rm(copy, { recursive: true, force: true }) };
}
