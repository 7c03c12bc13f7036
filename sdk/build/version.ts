import { readFileSync } from "node:fs";

/** The version that a package.json says. */
export function readVersion(path: string): string {
  const { version }: { version: string } = JSON.parse(readFileSync(path, "utf8"));
  return version;
}
