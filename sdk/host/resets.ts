// What Envoy's router makes of an upstream that brings no response, for requests and for calls of filters.
// @see Envoy source/common/router/router.cc Filter::onUpstreamAbort, "Response flags"
import { envoyReply, type LocalReply } from "./local-reply.ts";
import type { ResetReason } from "./request.ts";
import { Flag } from "./stream-info.ts";

interface Reset {
  readonly text: string;
  readonly flag: number;
  readonly transportFailure: string;
}

export const resets: Readonly<Record<ResetReason, Reset>> = {
  "connection-failure": {
    text: "remote connection failure",
    flag: Flag.UF,
    transportFailure: "delayed connect error: Connection refused",
  },
  "connection-termination": { text: "connection termination", flag: Flag.UC, transportFailure: "" },
  "remote-reset": { text: "remote reset", flag: Flag.UR, transportFailure: "" },
  "refused-stream": { text: "remote refused stream reset", flag: Flag.UR, transportFailure: "" },
};

/** Before response headers. @param attempts of the request, this one included */
export function resetReply(reason: ResetReason, attempts = 1): LocalReply {
  const { text, transportFailure } = resets[reason];
  const head = attempts > 1 ? "retried and the latest reset reason" : "reset reason";
  const body = `upstream connect error or disconnect/reset before headers. ${head}: ${text}`;
  const cause = transportFailure === "" ? text : `${text}|${transportFailure}`;
  return envoyReply(503, body, `upstream_reset_before_response_started{${underscored(cause)}}`);
}

/** Details of a response that broke off. */
export function brokenOff(reason: ResetReason): string {
  return `upstream_reset_after_response_started{${underscored(resets[reason].text)}}`;
}

export const noCluster = envoyReply(503, "", "cluster_not_found");
export const overflow: LocalReply = {
  ...envoyReply(
    503,
    "upstream connect error or disconnect/reset before headers. reset reason: overflow",
    "upstream_reset_before_response_started{overflow}",
  ),
  headers: [["x-envoy-overloaded", "true"]],
};
export const noEndpoint = envoyReply(503, "no healthy upstream", "no_healthy_upstream");

/** @param details `response_timeout` of the whole request, `upstream_per_try_timeout` of an attempt */
export function timeoutReply(details: "response_timeout" | "upstream_per_try_timeout"): LocalReply {
  return envoyReply(504, "upstream request timeout", details);
}

function underscored(text: string): string {
  return text.replaceAll(" ", "_");
}
