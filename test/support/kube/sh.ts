import { execFile } from "node:child_process";

/**
 * Runs a program to its end.
 *
 * @param input what it reads from stdin
 * @returns its stdout
 * @throws with the command and its stderr where it doesn't exit with 0
 */
export function run([file, ...args]: readonly [string, ...string[]], input = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(file, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file} ${args.join(" ")}: ${stderr.trim() || error.message}`, { cause: error }));
      else resolve(stdout);
    });
    child.stdin?.on("error", () => {}); // it ended without reading: its exit code says why
    child.stdin?.end(input);
  });
}

/** Runs the lines of a shell script; ends at the first that fails. */
export function script(lines: readonly string[]): Promise<string> {
  return run(["sh", "-eu"], lines.join("\n"));
}

/** A word of a shell script that stands for exactly this text. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
