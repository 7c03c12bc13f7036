// The transport sockets of TLS. Certificates, keys and roots come by SDS; nothing of them stands in a listener or cluster.
import type { TransportSocketSchema } from "../gen/envoy/config/core/v3/base_pb.js";
import {
  SubjectAltNameMatcher_SanType as SanType,
  type SubjectAltNameMatcherSchema,
  TlsParameters_TlsProtocol as TlsProtocol,
} from "../gen/envoy/extensions/transport_sockets/tls/v3/common_pb.js";
import {
  type CommonTlsContextSchema,
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from "../gen/envoy/extensions/transport_sockets/tls/v3/tls_pb.js";
import type { ClientTls } from "../model/destination-rule.ts";
import { secretNames } from "../model/names.ts";
import { ads } from "./common.ts";
import { any, type Init } from "./encode.ts";

export type TransportSocket = Init<typeof TransportSocketSchema>;
type CommonTlsContext = Init<typeof CommonTlsContextSchema>;
type San = Init<typeof SubjectAltNameMatcherSchema>;

/** The application protocol by which a proxy of the mesh knows mutual TLS from an application's own; Istio's. */
export const meshAlpn = "istio";

/** Without them Envoy goes no higher than 1.2 as a client. */
const tlsParams: CommonTlsContext["tlsParams"] = {
  tlsMinimumProtocolVersion: TlsProtocol.TLSv1_2,
  tlsMaximumProtocolVersion: TlsProtocol.TLSv1_3,
};

/** Roots of trust where a proxy's image has them: Debian's path, which distroless images have too. */
const systemRoots = "/etc/ssl/certs/ca-certificates.crt";

/**
 * Takes mutual TLS from any workload of the trust domain. No session is resumed: that would admit a caller whose
 * certificate has ended since.
 */
export function serverTls(trustDomain: string, { isHttp }: { isHttp: boolean }): TransportSocket {
  return socket(
    any(DownstreamTlsContextSchema, {
      commonTlsContext: meshContext([anyWorkload(trustDomain)], isHttp ? ["h2", "http/1.1"] : [meshAlpn]),
      requireClientCertificate: true,
      disableStatefulSessionResumption: true,
      sessionTicketKeysType: { case: "disableStatelessSessionResumption", value: true },
    }),
  );
}

/** As ALPN has it. */
export type HttpVersion = "http/1.1" | "h2";

export interface MutualTls {
  readonly sni: string;
  /** One of them must be in the server's certificate; where there are none, any workload of the trust domain. */
  readonly names: readonly string[];
  readonly trustDomain: string;
  /** What is spoken inside; absent: not HTTP. */
  readonly http: HttpVersion | undefined;
}

/** Speaks mutual TLS as a workload of the mesh. */
export function clientMutualTls({ sni, names, trustDomain, http }: MutualTls): TransportSocket {
  const alpn = [meshAlpn, ...(http ? [http] : [])];
  // an empty list would let in whatever the roots have signed, which an operator's may have for others, too
  const matchers = names.length > 0 ? names.map(exactly) : [anyWorkload(trustDomain)];
  return socket(any(UpstreamTlsContextSchema, { commonTlsContext: meshContext(matchers, alpn), sni }));
}

/** Speaks TLS without a certificate of its own, as a browser does. */
export function clientTls(
  tls: ClientTls,
  { host, http }: { host: string | undefined; http: HttpVersion | undefined },
): TransportSocket {
  const sni = tls.sni ?? host;
  const names = tls.subjectAltNames.length > 0 || sni === undefined ? tls.subjectAltNames : [sni];
  const trusted = {
    trustedCa: { specifier: { case: "filename", value: tls.caCertificates ?? systemRoots } },
    matchTypedSubjectAltNames: names.map(exactly),
  } as const;
  return socket(
    any(UpstreamTlsContextSchema, {
      commonTlsContext: {
        tlsParams,
        alpnProtocols: http ? [http] : [],
        ...(tls.insecureSkipVerify ? {} : { validationContextType: { case: "validationContext", value: trusted } }),
      },
      sni: sni ?? "",
    }),
  );
}

function meshContext(names: readonly San[], alpnProtocols: string[]): CommonTlsContext {
  return {
    tlsParams,
    alpnProtocols,
    tlsCertificateSdsSecretConfigs: [{ name: secretNames.certificate, sdsConfig: ads }],
    validationContextType: {
      case: "combinedValidationContext",
      value: {
        defaultValidationContext: { matchTypedSubjectAltNames: [...names] },
        validationContextSdsSecretConfig: { name: secretNames.roots, sdsConfig: ads },
      },
    },
  };
}

function anyWorkload(trustDomain: string): San {
  return { sanType: SanType.URI, matcher: { matchPattern: { case: "prefix", value: `spiffe://${trustDomain}/` } } };
}

function exactly(name: string): San {
  const sanType = name.includes("://") ? SanType.URI : isIp(name) ? SanType.IP_ADDRESS : SanType.DNS;
  return { sanType, matcher: { matchPattern: { case: "exact", value: name } } };
}

function isIp(name: string): boolean {
  return /^[0-9.]+$/.test(name) || name.includes(":");
}

function socket(value: ReturnType<typeof any>): TransportSocket {
  return { name: "envoy.transport_sockets.tls", configType: { case: "typedConfig", value } };
}
