import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

/**
 * A network and a mount namespace. They have no name: they live as long as this process, which holds them open, or a
 * process in them. So a crash leaves nothing of them, nor of the links and rules that they hold.
 *
 * @see namespaces(7), veth(4)
 */
export interface Namespaces {
  /** Files that `nsenter` takes. */
  readonly net: string;
  readonly mount: string;
  /** Lets go of them; may be called again. */
  close(): void;
}

/**
 * Makes namespaces and runs a script of `sh` in them as their first process, `$$`.
 *
 * @param env the script's variables; PATH is added
 * @throws with the first line that a failing command wrote
 */
export async function openNamespaces(script: string, env: Readonly<Record<string, string>>): Promise<Namespaces> {
  const child = spawn("unshare", ["--net", "--mount", "--", "sh", "-euc", `${script}\necho made\nread -r _ || :`], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: "pipe",
  });
  const errors = text(child.stderr);
  const failure = new Promise<string>((resolve) => child.once("error", ({ message }) => resolve(message)));
  const made = new Promise<boolean>((resolve) => {
    const lines = createInterface({ input: child.stdout });
    lines.once("line", () => resolve(true)).once("close", () => resolve(false));
  });
  if (!(await made)) {
    const said = child.pid === undefined ? await failure : await errors;
    throw new Error(said.trim().split("\n")[0] || "unshare failed");
  }
  const held: number[] = [];
  const hold = (kind: "net" | "mnt"): string => {
    const fd = openSync(`/proc/${child.pid}/ns/${kind}`, "r");
    held.push(fd);
    return `/proc/${process.pid}/fd/${fd}`;
  };
  const files = { net: hold("net"), mount: hold("mnt") };
  child.stdin.end();
  return {
    ...files,
    close() {
      for (const fd of held.splice(0)) closeSync(fd);
    },
  };
}

/** A program and its arguments, run in namespaces, in a folder as it is seen there. */
export function within(
  { net, mount }: Pick<Namespaces, "net" | "mount">,
  { argv, cwd }: { readonly argv: readonly string[]; readonly cwd: string },
): readonly string[] {
  return ["nsenter", `--net=${net}`, `--mount=${mount}`, "--", "env", "-C", cwd, "--", ...argv];
}
