import type { Script } from "../script.ts";
import { accessLoggers } from "./access-loggers.ts";
import { bodies, trailers } from "./bodies.ts";
import { grpc, http, queues } from "./callouts.ts";
import { chains } from "./chains.ts";
import { circuitBreakers } from "./circuit-breakers.ts";
import { configuration } from "./configuration.ts";
import { deadline } from "./deadline.ts";
import { directResponses } from "./direct-responses.ts";
import { expressions } from "./expressions.ts";
import { failures } from "./failures.ts";
import { foreign } from "./foreign.ts";
import { headers } from "./headers.ts";
import { http1 } from "./http1.ts";
import { lifecycle } from "./lifecycle.ts";
import { load } from "./load.ts";
import { localReplies } from "./local-replies.ts";
import { metrics } from "./metrics.ts";
import { properties } from "./properties.ts";
import { retryBudget } from "./retry-budget.ts";
import { router } from "./router.ts";
import { sharedData } from "./shared-data.ts";
import { shares } from "./shares.ts";
import { streams } from "./streams.ts";
import { swaps } from "./swaps.ts";
import { tcpAccessLoggers } from "./tcp-access-loggers.ts";
import { tcpActions } from "./tcp-actions.ts";
import { tcpBuffers } from "./tcp-buffers.ts";
import { tcpEnds } from "./tcp-ends.ts";
import { tcpFailures } from "./tcp-failures.ts";
import { tcpHostcalls } from "./tcp-hostcalls.ts";
import { tcpProperties } from "./tcp-properties.ts";
import { telemetry } from "./telemetry.ts";
import { telemetryChanges } from "./telemetry-changes.ts";
import { telemetryTcp } from "./telemetry-tcp.ts";
import { versions } from "./versions.ts";
import { vms } from "./vms.ts";
import { wasi } from "./wasi.ts";

/** All scripts, by what they are about. */
export const areas: Readonly<Record<string, readonly Script[]>> = {
  headers,
  properties,
  "local replies": localReplies,
  streams,
  router,
  "direct responses": directResponses,
  "circuit breakers": circuitBreakers,
  lifecycle,
  chains,
  VMs: vms,
  swaps,
  shares,
  configuration,
  wasi,
  bodies,
  trailers,
  "HTTP/1.1": http1,
  "HTTP calls": http,
  "gRPC calls": grpc,
  queues,
  "foreign functions": foreign,
  expressions,
  "access loggers": accessLoggers,
  load,
  "ABI versions": versions,
  failures,
  metrics,
  "TCP: ends": tcpEnds,
  "TCP: actions": tcpActions,
  "TCP: buffers": tcpBuffers,
  "TCP: hostcalls": tcpHostcalls,
  "TCP: attributes": tcpProperties,
  "TCP: failures": tcpFailures,
  "TCP: access loggers": tcpAccessLoggers,
  "shared data": sharedData,
  "retry-budget": retryBudget,
  deadline,
  telemetry: [...telemetry, ...telemetryChanges, ...telemetryTcp],
};
