// What scripts of the telemetry filter are made of: all of its parts, and what peers say of themselves.
import type { Pair } from "../../../sdk/host/pairs.ts";
import { filterModule } from "../../support/filter-module.ts";
import type { Answer, RequestScript, Response, Script } from "../script.ts";

/** Both halves, with grpc_stats behind the first, as in every chain of Sluice. */
export function script(title: string, config: Readonly<Record<string, unknown>>, more: Partial<Script> = {}): Script {
  return {
    title: `telemetry: ${title}`,
    module: () => filterModule("telemetry"),
    plugin: { config: JSON.stringify(config) },
    upstream: {},
    grpcStats: true,
    ...more,
  };
}

/** The network half. */
export function tcpScript(title: string, config: Readonly<Record<string, unknown>>, more: Partial<Script>): Script {
  return {
    title: `telemetry: TCP, ${title}`,
    module: () => filterModule("telemetry"),
    plugin: { rootId: "network", config: JSON.stringify(config) },
    ...more,
  };
}

/** The headers of one who says this of itself. */
export function saying(metadata: string): Pair[] {
  return [
    ["x-envoy-peer-metadata", metadata],
    ["x-envoy-peer-metadata-id", "peer-1"],
  ];
}

export const get = (...headers: readonly Pair[]): RequestScript => ({ headers });
export const ok = (...headers: readonly Pair[]): Response => ({ status: 200, headers, body: ["ok"] });

/** Messages as gRPC frames them, a char for each byte. */
export function frames(...messages: readonly string[]): string {
  return messages.map((message) => `\0\0\0\0${String.fromCharCode(message.length)}${message}`).join("");
}

const grpcType = ["content-type", "application/grpc"] as const;

/** @param chunks of the body @param headers beside the type */
export function grpcCall(chunks: readonly string[], ...headers: readonly Pair[]): RequestScript {
  return { method: "POST", path: "/shop.Catalog/List", headers: [grpcType, ...headers], body: chunks };
}

export function grpcAnswer(chunks: readonly string[], status: string): Answer {
  return { status: 200, headers: [grpcType], body: chunks, trailers: [["grpc-status", status]] };
}

export function trailersOnly(status: string): Answer {
  return { status: 200, headers: [grpcType, ["grpc-status", status]] };
}
