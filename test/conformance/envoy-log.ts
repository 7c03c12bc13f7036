// Envoy's log, line by line: who wrote what, from the beginning of a script to its end.
import type { TestEnvoy } from "../support/envoy.ts";
import { textOf } from "./observation.ts";

/** A request or connection that is over, as the access log has it. */
export interface AccessLine {
  readonly details: string;
  readonly flags: string;
  readonly left: string | null;
}

/** `--log-format` of the Envoy whose log this can read. */
export const logFormat = "@%t|%l|%n|%v";

interface Line {
  readonly thread: "main" | "worker";
  readonly level: string;
  readonly logger: string;
  readonly text: string;
}

export class EnvoyLog {
  readonly #envoy: TestEnvoy;
  #vmId = "";
  #start = 0;

  constructor(envoy: TestEnvoy) {
    this.#envoy = envoy;
  }

  /** What counts is written from now on. */
  begin(vmId: string): void {
    this.#vmId = vmId;
    this.#start += this.#text.length;
  }

  has(text: string): boolean {
    return this.#text.includes(text);
  }

  /** How often it has a text. */
  count(text: string): number {
    return this.#text.split(text).length - 1;
  }

  get isRefused(): boolean {
    return this.#text.includes("update rejected");
  }

  get accessLines(): readonly AccessLine[] {
    return [...this.#text.matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line));
  }

  /** Of all plugins, where Envoy logs what its Wasm host does: at level trace. */
  get hostcalls(): readonly string[] {
    return [...this.#text.matchAll(/\|trace\|wasm\|\[vm->host\] \w+\.(\w+)\(/g)].map(([, name = ""]) => name);
  }

  /** What the script's plugins and Envoy's Wasm host logged: `level text`. */
  end(): { readonly main: string[]; readonly worker: string[]; readonly refusal: string[] } {
    const lines = this.#lines.flatMap((line) => this.#ownLine(line));
    const refusal = lines.flatMap(({ text }) => refusalOf(text) ?? []);
    const of = (thread: Line["thread"]) =>
      lines
        .filter((line) => line.thread === thread && refusalOf(line.text) === undefined)
        .map(({ level, text }) => `${level} ${text}`);
    return { main: of("main"), worker: of("worker"), refusal };
  }

  get #text(): string {
    return this.#envoy.output(this.#start);
  }

  get #lines(): Line[] {
    const entries = this.#text
      .replace(/\n$/, "")
      .split(/\n(?=@\d+\||\{)/)
      .map((entry) => /^@(\d+)\|(\w+)\|(\w+)\|(.*)$/s.exec(entry) ?? []);
    return entries.map(([, thread, level = "", logger = "", text = ""]) => ({
      thread: Number(thread) === this.#envoy.pid ? "main" : "worker",
      level: level === "warning" ? "warn" : level,
      logger,
      text,
    }));
  }

  /** A module's line without Envoy's `wasm log PLUGIN ROOT VM: `; none where it is another script's or not Wasm's. */
  #ownLine(line: Line): Line[] {
    if (line.logger !== "wasm" || line.level === "trace" || line.level === "debug") return [];
    const [head, vmId] = /^wasm log(?: \S+)*?(?: (v\d+)(?:-\S+)?)?: ?/.exec(line.text) ?? [];
    if (head === undefined) return [{ ...line, text: textOf(line.text) }];
    return vmId === undefined || vmId === this.#vmId ? [{ ...line, text: textOf(line.text.slice(head.length)) }] : [];
  }
}

/** What Envoy itself says of a plugin that it refuses; undefined of other lines, none of what it says of every one. */
function refusalOf(text: string): string[] | undefined {
  if (/^Plugin .* failed to load$|^Wasm VM failed Failed to (load|initialize) Wasm code$/.test(text)) return [];
  const [, why] = /^Wasm VM failed (?!.*thread-local)(.*)$/.exec(text) ?? [];
  if (why !== undefined) return [why];
  return /^(Failed to load Wasm module due to|Bad function signature)/.test(text) ? [text] : undefined;
}
