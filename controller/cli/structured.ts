import { stringify } from "yaml";

/** `-o json`: four spaces, as istioctl. `-o yaml`: keys sorted, lists not indented, as istioctl. */
export function structured(value: unknown, format: "json" | "yaml"): string {
  if (format === "json") return `${JSON.stringify(value, undefined, 4)}\n`;
  return stringify(value, { sortMapEntries: true, indentSeq: false, lineWidth: 0 });
}
