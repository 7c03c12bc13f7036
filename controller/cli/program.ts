import { Command, CommanderError } from "commander";
import { CliError, usageExitCode } from "./cli-error.ts";

/** The program, without commands. Nothing in it ends the process: {@link execute} says how it should end. */
export function newProgram(version: string, write: { out(text: string): void; err(text: string): void }): Command {
  return new Command("sluice")
    .description("WebAssembly filters for Envoy sidecars, and the control plane that delivers them")
    .version(version)
    .exitOverride()
    .configureOutput({ writeOut: write.out, writeErr: write.err })
    .showHelpAfterError("(--help tells how the command is used)");
}

/**
 * Runs one command line.
 *
 * @param args without `node` and the script
 * @param err  takes `Error: …` for a command that failed; what is wrong with the command line the program says itself
 * @returns the exit code: 0, 64 for a wrong command line, else what the command's {@link CliError} says
 * @throws what is no {@link CliError}: a fault of the program
 */
export async function execute(program: Command, args: readonly string[], err: (text: string) => void): Promise<number> {
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return isHelp(error) ? 0 : usageExitCode;
    if (!(error instanceof CliError)) throw error;
    err(`Error: ${error.message}\n`);
    return error.exitCode;
  }
}

/** Help that was asked for; a group of commands without one prints its help too, as istioctl does. */
function isHelp({ code }: CommanderError): boolean {
  return ["commander.helpDisplayed", "commander.version", "commander.help"].includes(code);
}

/** For `--help`: lines of a comment and a command, indented. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join("\n")}\n`;
}
