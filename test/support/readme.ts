// The commands of a README are run as its reader would type them, and what they print is compared with what it shows.
//
// A ```console block holds commands, `$ ` before each and `> ` before its further lines, with what they print below.
// A command that shows nothing prints nothing. A block without commands is printed by the mesh in the first terminal.
// A block ```ts PATH is a file, which its reader puts there.
//
//   …      anything; alone on a line: any lines
//   ≈13    a count of random events: within five standard deviations (the square root) of it
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { until } from "./wait.ts";

/** One command with what it prints, or (no command) what the mesh prints. */
export interface Step {
  /** Heading of its section, without the #. */
  readonly section: string;
  /** Line of the README, from 1. */
  readonly line: number;
  readonly command?: string;
  readonly expected: string;
}

/** The steps of all console blocks and files, in order. */
export function readSteps(readme: string): readonly Step[] {
  const steps: { section: string; line: number; command?: string; expected: string }[] = [];
  let section = "";
  let inBlock: string | undefined;
  let isFresh = false;
  let file: { readonly path: string; readonly line: number; text: string } | undefined;
  for (const [index, text] of readFileSync(readme, "utf8").split("\n").entries()) {
    const fence = /^```(\w*) ?(\S*)/.exec(text);
    if (fence) {
      if (file !== undefined) steps.push({ section, line: file.line, command: writing(file), expected: "" });
      inBlock = inBlock === undefined ? fence[1] : undefined;
      isFresh = inBlock === "console";
      file = inBlock !== undefined && fence[2] ? { path: fence[2], line: index + 1, text: "" } : undefined;
      continue;
    }
    if (file !== undefined) file.text += `${text}\n`;
    if (inBlock === undefined) section = /^#+ (.*)/.exec(text)?.[1] ?? section;
    if (inBlock !== "console") continue;
    const last = steps.at(-1);
    if (text.startsWith("$ ")) steps.push({ section, line: index + 1, command: text.slice(2), expected: "" });
    else if (isFresh || last === undefined) steps.push({ section, line: index + 1, expected: `${text}\n` });
    else if (text.startsWith("> ") && last.expected === "") last.command += `\n${text.slice(2)}`;
    else last.expected += `${text}\n`;
    isFresh = false;
  }
  return steps;
}

/** The command that writes a file. */
function writing({ path, text }: { readonly path: string; readonly text: string }): string {
  return `cat > ${path} <<'end of file'\n${text}end of file`;
}

/**
 * Whether a text is as a README shows it. The width of blanks does not count, nor do lines without text.
 *
 * @returns where the match ends in `actual` as {@link squeezed} gives it; -1: there is none
 */
export function matchEnd(expected: string, actual: string, { whole }: { readonly whole: boolean }): number {
  const counts: number[] = [];
  const pattern = squeezed(expected)
    .split(/(^…\n|…|≈\d+)/m)
    .map((part) => {
      if (part === "…\n") return "(?:.*\\n)*?";
      if (part === "…") return ".*?";
      if (!/^≈\d+$/.test(part)) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      counts.push(Number(part.slice(1)));
      return "(\\d+)";
    })
    .join("");
  const found = new RegExp(whole ? `^${pattern}$` : `^${pattern}`, whole ? "" : "m").exec(squeezed(actual));
  if (!found) return -1;
  const isNear = counts.every((count, i) => Math.abs(Number(found[i + 1]) - count) <= 5 * Math.sqrt(count) + 1);
  return isNear ? found.index + found[0].length : -1;
}

/** One blank for several, none at the ends of lines, no empty lines, and a line end at the end. */
export function squeezed(text: string): string {
  const lines = text.split("\n").map((line) => line.trim().replace(/\s+/g, " "));
  return lines.flatMap((line) => (line === "" ? [] : `${line}\n`)).join("");
}

export interface WalkOptions {
  readonly terminal: Terminal;
  /** The command of the README that does not end: what runs in the first terminal by then. */
  readonly started: string;
  /** All that it has printed. */
  readonly printed: () => string;
  /** What a reader would have to replace, as addresses that were not free here: the README's text to the actual one. */
  readonly actual: Readonly<Record<string, string>>;
}

/** Walks through a README, a section at a time, in order. */
export class Walk {
  readonly #file: string;
  readonly #steps: readonly Step[];
  readonly #options: WalkOptions;
  /** How much of what was printed in the first terminal has been shown. */
  #shown = 0;
  readonly #seen = new Set<string>();

  constructor(file: string, options: WalkOptions) {
    this.#file = file;
    this.#steps = readSteps(file);
    this.#options = options;
  }

  /** Titles of the sections that have commands and were not run yet. */
  get unseen(): readonly string[] {
    return [...new Set(this.#steps.map(({ section }) => section))].filter((section) => !this.#seen.has(section));
  }

  /**
   * Runs the commands of a section.
   *
   * @param after called after each step
   * @throws with the line of the README where something else is printed than it shows
   */
  async run(section: string, after: (step: Step) => Promise<void> | void = () => {}): Promise<void> {
    const steps = this.#steps.filter((step) => step.section === section);
    if (steps.length === 0) throw new Error(`${this.#file} has no commands in a section "${section}"`);
    this.#seen.add(section);
    for (const step of steps) {
      if (step.command === undefined || step.command === this.#options.started) await this.#see(step);
      else await this.#do(step, step.command);
      await after(step);
    }
  }

  async #do(step: Step, command: string): Promise<void> {
    const printed = await this.#options.terminal.run(this.#here(command)).catch((error: Error) => {
      throw new Error(`${this.#file}:${step.line}: ${error.message}`);
    });
    if (matchEnd(this.#here(step.expected), printed, { whole: true }) < 0) throw new Error(this.#other(step, printed));
  }

  async #see(step: Step): Promise<void> {
    const rest = (): string => squeezed(this.#options.printed()).slice(this.#shown);
    const end = await until(
      () => {
        const found = matchEnd(this.#here(step.expected), rest(), { whole: false });
        return found < 0 ? undefined : found;
      },
      () => this.#other(step, rest()),
    );
    this.#shown += end;
  }

  #other({ line, command = "the first terminal", expected }: Step, printed: string): string {
    return `${this.#file}:${line}: ${command} to print\n${this.#here(expected)}It printed\n${printed}`;
  }

  /** A text of the README, as it is on this machine. */
  #here(text: string): string {
    const { actual } = this.#options;
    const names = Object.keys(actual).toSorted((a, b) => b.length - a.length);
    const pattern = names.map((name) => `${name.replaceAll(".", "\\.")}(?!\\d)`).join("|");
    return names.length === 0 ? text : text.replace(new RegExp(pattern, "g"), (name) => actual[name] ?? name);
  }
}

/** A terminal: what one command defines or where it goes is there for the next. */
export interface Terminal {
  /** Runs a command and returns what it prints to stdout; rejects where it fails, with what it wrote to stderr. */
  run(command: string): Promise<string>;
  close(): Promise<void>;
}

/** Opens bash. @param env all of its environment */
export function openTerminal({ cwd, env }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv }): Terminal {
  const bash = spawn("bash", ["--noprofile", "--norc"], { cwd, env });
  const end = `end-of-command-${process.pid}`;
  const [out, err] = [gathered(bash, "stdout"), gathered(bash, "stderr")];
  return {
    async run(command) {
      out.text = "";
      err.text = "";
      bash.stdin.write(`${command}\necho "${end} $?"\n`);
      const [, printed = "", code] = await out.until(new RegExp(`^([^]*)${end} (\\d+)\\n$`));
      if (code !== "0") throw new Error(`$ ${command}\nended with exit code ${code}:\n${printed}${err.text}`);
      return printed;
    },
    close() {
      bash.stdin.end();
      return new Promise((resolve) => (bash.exitCode === null ? bash.once("close", () => resolve()) : resolve()));
    },
  };
}

/** What a stream prints, and a promise for the first text that matches. */
function gathered(child: ChildProcess, name: "stdout" | "stderr") {
  let waiting: { readonly pattern: RegExp; readonly found: PromiseWithResolvers<RegExpExecArray> } | undefined;
  const all = {
    text: "",
    until(pattern: RegExp): Promise<RegExpExecArray> {
      waiting = { pattern, found: Promise.withResolvers() };
      return waiting.found.promise;
    },
  };
  child[name]?.setEncoding("utf8").on("data", (text: string) => {
    all.text += text;
    const found = waiting?.pattern.exec(all.text);
    if (found) waiting?.found.resolve(found);
  });
  child.once("close", () => waiting?.found.reject(new Error(`the terminal was closed; it printed:\n${all.text}`)));
  return all;
}
