import { X509Certificate } from "node:crypto";
import { type ConfigDump, section } from "./dump.ts";
import type { DataSource, DynamicSecret } from "./envoy-json.ts";
import { table } from "./table.ts";

/** What came by SDS: warming ones first, as istioctl has it. */
export function secretsOf(dump: ConfigDump): readonly DynamicSecret[] {
  const { dynamic_warming_secrets = [], dynamic_active_secrets = [] } = section(dump, "SecretsConfigDump");
  return [...dynamic_warming_secrets, ...dynamic_active_secrets];
}

/**
 * A row for each secret, with its first certificate: the proxy's own, or a root.
 *
 * @param nowMs   whether a certificate is valid depends on it
 * @param isNamed names are `secret/<name>`, as in `proxy-config all`
 */
export function secretTable(dump: ConfigDump, nowMs: number, isNamed = false): string {
  const warming = new Set(section(dump, "SecretsConfigDump").dynamic_warming_secrets);
  const rows = secretsOf(dump).map((secret) => [
    `${isNamed ? "secret/" : ""}${secret.name ?? ""}`,
    ...columnsOf(secret, warming.has(secret) ? "WARMING" : "ACTIVE", nowMs),
  ]);
  if (rows.length === 0) return "No secret items to show.\n";
  const head = ["RESOURCE NAME", "TYPE", "STATUS", "VALID CERT", "SERIAL NUMBER", "NOT AFTER", "NOT BEFORE"];
  return table([head, ...rows]);
}

function columnsOf({ version_info, secret }: DynamicSecret, state: string, nowMs: number): readonly string[] {
  const status = version_info === "uninitialized" ? "UNINITIALIZED" : state;
  const certificate = parsed(secret?.tls_certificate?.certificate_chain ?? secret?.validation_context?.trusted_ca);
  if (certificate === undefined) return ["", status, "false", "", "", ""];
  const { ca, serialNumber, validFromDate, validToDate } = certificate;
  return [
    ca ? "CA" : "Cert Chain",
    status,
    String(validFromDate.getTime() < nowMs && nowMs < validToDate.getTime()),
    serialNumber.toLowerCase().padStart(32, "0"),
    timeText(validToDate),
    timeText(validFromDate),
  ];
}

/** The first certificate of a PEM; `undefined` where there is none. */
function parsed({ inline_bytes, inline_string }: DataSource = {}): X509Certificate | undefined {
  const pem = inline_bytes === undefined ? (inline_string ?? "") : Buffer.from(inline_bytes, "base64");
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

/** `2026-11-23T18:00:00Z` */
function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
