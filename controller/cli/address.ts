import type { Address } from "./envoy-json.ts";

/** `10.0.0.1:80`, `/run/x.sock`, `envoy://listener/id`, or `unknown`. */
export function addressText({ socket_address, pipe, envoy_internal_address }: Address = {}): string {
  if (socket_address) return `${socket_address.address ?? ""}:${socket_address.port_value ?? 0}`;
  if (pipe) return pipe.path ?? "";
  if (envoy_internal_address?.server_listener_name === undefined) return "unknown";
  return `envoy://${envoy_internal_address.server_listener_name}/${envoy_internal_address.endpoint_id ?? ""}`;
}

/** Each absent field lets all pass; texts in any case. */
export interface EndpointFilter {
  /** IP, or IP:PORT. */
  readonly address?: string;
  readonly port?: number;
  /** The cluster's whole name. */
  readonly cluster?: string;
  /** `healthy`, `unhealthy`, `draining`, … */
  readonly status?: string;
}

export interface EndpointFacts {
  readonly address: Address | undefined;
  readonly cluster: string;
  readonly status: string;
}

export function passesEndpoint({ address, cluster, status }: EndpointFacts, filter: EndpointFilter): boolean {
  const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
  const { address: ip = "", port_value = 0 } = address?.socket_address ?? {};
  const texts = [ip, addressText(address)];
  const { address: wanted } = filter;
  return (
    (wanted === undefined || texts.some((text) => same(text, wanted))) &&
    (filter.port === undefined || port_value === filter.port) &&
    (filter.cluster === undefined || same(cluster, filter.cluster)) &&
    (filter.status === undefined || same(status, filter.status))
  );
}
