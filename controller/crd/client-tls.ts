import * as z from "zod";
import type { ClientTls } from "../model/destination-rule.ts";
import { type Complaint, defined, withRule } from "./fields.ts";
import { notYet, refused } from "./walk.ts";

const own = "is not supported yet: the client would have no certificate; write mode ISTIO_MUTUAL or SIMPLE";

/** How clients encrypt what they send to a service. */
export const clientTls = withRule(
  z.strictObject({
    mode: withRule(z.enum(["DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"]), (value) =>
      value === "MUTUAL" ? [{ message: `is MUTUAL, which ${own}` }] : [],
    )
      .optional()
      .describe("ISTIO_MUTUAL: with the mesh's certificates; SIMPLE: as a browser does. Default: DISABLE."),
    sni: z.string().optional().describe("Server name that is asked for. Default under SIMPLE: the host."),
    subjectAltNames: z
      .array(z.string())
      .optional()
      .describe("Names of which the server's certificate must have one. Default under SIMPLE: the host."),
    caCertificates: z
      .string()
      .optional()
      .describe("File on the proxy with the roots to verify the server by. Default: the system's."),
    insecureSkipVerify: z.boolean().optional().describe("SIMPLE: takes any certificate. Default: false."),
    clientCertificate: refused(own, "text"),
    privateKey: refused(own, "text"),
    credentialName: refused(own, "text"),
    caCrl: notYet(undefined, "text"),
  }),
  ({ mode, caCertificates, insecureSkipVerify }) => {
    const beside = (path: string): Complaint[] => [
      { path: [path], message: `has no place beside mode ${mode ?? "DISABLE"}; leave it out or write mode SIMPLE` },
    ];
    if (mode === "SIMPLE") return [];
    return [
      ...(caCertificates ? beside("caCertificates") : []),
      ...(insecureSkipVerify ? beside("insecureSkipVerify") : []),
    ];
  },
);

export function readClientTls({ mode, ...input }: z.output<typeof clientTls>): ClientTls {
  return defined({
    mode: mode === undefined || mode === "MUTUAL" ? "DISABLE" : mode, // MUTUAL is refused
    sni: input.sni || undefined,
    subjectAltNames: input.subjectAltNames ?? [],
    caCertificates: input.caCertificates === "system" ? undefined : input.caCertificates || undefined,
    insecureSkipVerify: input.insecureSkipVerify ?? false,
  });
}
