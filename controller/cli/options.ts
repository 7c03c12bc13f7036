import { InvalidArgumentError, Option } from "commander";

// Options that several commands share, with istioctl's names and short forms.

export const namespaceOption = () => new Option("-n, --namespace <namespace>", "look only in this namespace");

export type OutputFormat = "short" | "json" | "yaml";

export const outputOption = (table: string) =>
  new Option("-o, --output <format>", "output format").choices([table, "json", "yaml"]).default(table);

export const portOption = (flags: string, text: string) => new Option(flags, text).argParser(parsePort);

/** `--verbose=false`; without a value it is true. */
export const verboseOption = (text: string) =>
  new Option("--verbose [boolean]", text).argParser(parseBoolean).preset(true).default(true);

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65535)
    throw new InvalidArgumentError("A port is a number from 1 to 65535.");
  return port;
}

function parseBoolean(value: string | boolean): boolean {
  if (typeof value === "boolean") return value;
  if (value !== "true" && value !== "false") throw new InvalidArgumentError("Write --verbose=true or --verbose=false.");
  return value === "true";
}
