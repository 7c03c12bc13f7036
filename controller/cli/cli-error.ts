/** What a command says instead of its output, ready for people, with the exit code of the process. */
export class CliError extends Error {
  readonly exitCode: number;

  /** @param exitCode 1, or {@link usageExitCode} where the command line is wrong */
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** EX_USAGE of sysexits.h, as istioctl has it. */
export const usageExitCode = 64;
