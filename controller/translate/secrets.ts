import type { Certificate } from "../model/certificate.ts";
import { secretNames } from "../model/names.ts";
import type { Resource } from "../model/resource.ts";
import { encode } from "./encode.ts";

type Secrets = ReadonlyMap<string, Resource>;

const none: Secrets = new Map();

/** Made once for all proxies of an identity, for as long as the certificate is used. */
const made = new WeakMap<Certificate, Secrets>();

/**
 * What a proxy gets by SDS: its own certificate with its key, and the roots of trust.
 *
 * @param certificate absent: it is not issued yet; then there is nothing, and all is sent when it is
 */
export function secrets(certificate: Certificate | undefined): Secrets {
  if (certificate === undefined) return none;
  const known = made.get(certificate);
  if (known !== undefined) return known;
  const all = new Map([own(certificate), roots(certificate)].map((resource) => [resource.name, resource]));
  made.set(certificate, all);
  return all;
}

function own({ chain, key }: Certificate): Resource {
  const name = secretNames.certificate;
  const value = { certificateChain: inline(chain), privateKey: inline(key.reveal()) };
  return encode("SDS", name, { name, type: { case: "tlsCertificate", value } });
}

function roots({ roots: pem }: Certificate): Resource {
  const name = secretNames.roots;
  return encode("SDS", name, { name, type: { case: "validationContext", value: { trustedCa: inline(pem) } } });
}

function inline(text: string) {
  return { specifier: { case: "inlineString", value: text } } as const;
}
