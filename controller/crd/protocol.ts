import type { Protocol } from "../model/service.ts";

const protocols: Readonly<Record<string, Protocol>> = {
  http: "HTTP",
  http2: "HTTP2",
  grpc: "GRPC",
  "grpc-web": "HTTP",
  http_proxy: "HTTP_PROXY",
  https: "HTTPS",
  tls: "TLS",
  tcp: "TCP",
  mongo: "TCP",
  mysql: "TCP",
  redis: "TCP",
  udp: "UDP",
  "kubernetes.io/h2c": "HTTP2",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/wss": "HTTPS",
};

/** The words that name a protocol in Istio's own resources. */
export const protocolNames = Object.keys(protocols)
  .filter((name) => !name.includes("/"))
  .map((name) => name.toUpperCase());

/** By name, in any case; `undefined` where Istio does not know it. */
export function protocolNamed(name: string): Protocol | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(protocols, key) ? protocols[key] : undefined;
}

/**
 * What a Service's port speaks, by Istio's rule: UDP is UDP; else `appProtocol`, else the port's name up to its
 * first `-`. `undefined` where neither says it.
 */
export function protocolOfPort(port: {
  readonly name?: string | undefined;
  readonly protocol?: string | undefined;
  readonly appProtocol?: string | undefined;
}): Protocol | undefined {
  if (port.protocol === "UDP") return "UDP";
  const { name = "" } = port;
  const prefix = /^grpc-web(-|$)/.test(name) ? "grpc-web" : (name.split("-", 1)[0] ?? "");
  return protocolNamed(port.appProtocol ?? prefix);
}
