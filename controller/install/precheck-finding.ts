/** One thing to know before an installation. */
export interface Finding {
  readonly severity: "Error" | "Warning" | "Info";
  readonly code: string;
  /** The object that it is about: `Service shop/web`. */
  readonly object?: string;
  readonly message: string;
}

/** What the API server said, without the list of all rules that it adds in some cases. */
export function firstLine({ message }: Error): string {
  return message.split("\n", 1)[0] ?? "";
}

/** As istioctl prints it, and whether an installation may be tried. */
export function precheckText(findings: readonly Finding[]): { readonly text: string; readonly safe: boolean } {
  const lines = findings.map(
    ({ severity, code, object, message }) => `${severity} [${code}]${object ? ` (${object})` : ""} ${message}`,
  );
  const count = (wanted: Finding["severity"]): number => findings.filter(({ severity }) => severity === wanted).length;
  const safe = count("Error") === 0;
  const start = "  To get started: sluice install --set profile=default -y";
  if (safe && count("Warning") > 0) lines.push("! Sluice can be installed or upgraded; mind the warnings", start);
  else if (safe)
    lines.push("✔ No issues found when checking the cluster. Sluice is safe to install or upgrade!", start);
  return { text: `${lines.join("\n")}\n`, safe };
}
