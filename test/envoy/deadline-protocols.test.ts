import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { emptyMessage, grpcHeaders, type Http2Reply, http2Call, openHttp2 } from "../support/http2.ts";
import { type Seen, startGrpcUpstream, startUpstream, type Upstream } from "../support/upstream.ts";
import { until } from "../support/wait.ts";

// A deadline in each protocol, at each place of a mesh, on one worker and on four: what is left is told, and at its end the
// caller is answered and the upstream, which works on, sees the reset.

const leftMs = 400;
const parallel = 4; // callers at a time, each with a connection of its own

/** Never answers, but `/stream` with headers and one message. */
function work(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  if (headers[":path"] !== "/stream") return;
  stream.respond({ "content-type": "application/grpc" });
  stream.write(emptyMessage);
}

const relative = { "x-request-timeout-ms": String(leftMs) };
const grpc = grpcHeaders({ "grpc-timeout": `${leftMs}m` });

describe.each`
  place               | node         | direction
  ${"gateway"}        | ${"router"}  | ${"OUTBOUND"}
  ${"client sidecar"} | ${"sidecar"} | ${"OUTBOUND"}
  ${"server sidecar"} | ${"sidecar"} | ${"INBOUND"}
`("$place", ({ node, direction }: { node: string; direction: Chain["direction"] }) => {
  describe.each([1, 4])("%i workers", (concurrency) => {
    let envoy: TestEnvoy;
    let upstreams: { readonly http1: Upstream; readonly http2: Upstream };
    const ports = { http1: 0, http2: 0 };

    beforeAll(async () => {
      const module = await filterModule("deadline");
      upstreams = { http1: await startUpstream(() => {}), http2: await startGrpcUpstream(work) };
      const chain = async (protocol: keyof typeof ports): Promise<Chain> => {
        ports[protocol] = await freePort();
        const upstreamPorts = [upstreams[protocol].port];
        const plugins = [{ name: "deadline", module }];
        return { direction, port: ports[protocol], upstreamPorts, http2: protocol === "http2", plugins };
      };
      const chains = [await chain("http1"), await chain("http2")];
      envoy = await startEnvoy(filterBootstrap(chains, `${node}~127.0.0.1~a.b~b.svc.cluster.local`), { concurrency });
      await envoy.live();
    });
    afterAll(async () => {
      await envoy?.stop();
      await Promise.all([upstreams?.http1.stop(), upstreams?.http2.stop()]);
    });

    /** What callers got and the upstream was told, once it has seen that each of them is over. */
    async function inParallel<T>(protocol: keyof typeof ports, ask: () => Promise<T>) {
      const { seen } = upstreams[protocol];
      const from = seen.length;
      const replies = await Promise.all(Array.from({ length: parallel }, ask));
      await until(() => seen.slice(from).every(({ isBroken }) => isBroken), "the upstream to see the resets");
      return { replies, told: seen.slice(from) };
    }

    /** The header's number lies above 0, and is at most what was left. */
    function expectTold(told: readonly Seen[], name: string, unit: RegExp): void {
      expect(told).toHaveLength(parallel);
      for (const { headers } of told) {
        expect(headers[name]).toMatch(unit);
        const [ns = 0] = [String(headers[name])].map(nanoseconds);
        expect(ns).toBeGreaterThan(0);
        expect(ns).toBeLessThanOrEqual(leftMs * 1e6);
      }
    }

    /** Sends one message, and leaves the request open. */
    function stream(headers: Readonly<Record<string, string>>): Promise<Http2Reply> {
      const { stream, end } = openHttp2(ports.http2, headers);
      stream.write(emptyMessage);
      return end;
    }

    function expectExceeded(replies: readonly Http2Reply[]): void {
      for (const { headers } of replies) {
        expect([headers[":status"], headers["grpc-status"], headers["x-deadline"]]).toEqual([200, "4", "exceeded"]);
      }
    }

    test("HTTP/1.1", async () => {
      const { replies, told } = await inParallel("http1", () =>
        call({ host: "127.0.0.1", port: ports.http1, headers: relative }),
      );
      for (const { status, headers } of replies) expect([status, headers["x-deadline"]]).toEqual([504, "exceeded"]);
      expectTold(told, "x-request-timeout-ms", /^\d+$/);
    });

    test("HTTP/2", async () => {
      const { replies, told } = await inParallel("http2", () =>
        http2Call(ports.http2, { ":path": "/work", ...relative }),
      );
      for (const { headers } of replies) expect([headers[":status"], headers["x-deadline"]]).toEqual([504, "exceeded"]);
      expectTold(told, "x-request-timeout-ms", /^\d+$/);
    });

    test("gRPC", async () => {
      const { replies, told } = await inParallel("http2", () => http2Call(ports.http2, grpc, emptyMessage));
      expectExceeded(replies);
      expectTold(told, "grpc-timeout", /^\d{1,8}[nu]$/);
    });

    test("gRPC whose request streams", async () => {
      const { replies, told } = await inParallel("http2", () => stream(grpc));
      expectExceeded(replies);
      expectTold(told, "grpc-timeout", /^\d{1,8}[nu]$/);
    });

    test("gRPC whose response streams is reset at both ends", async () => {
      const { replies, told } = await inParallel("http2", () => stream({ ...grpc, ":path": "/stream" }));
      for (const reply of replies) {
        expect([reply.headers[":status"], reply.headers["grpc-status"]]).toEqual([200, undefined]);
        expect(reply.code).not.toBe(constants.NGHTTP2_NO_ERROR);
      }
      expectTold(told, "grpc-timeout", /^\d{1,8}[nu]$/);
    });
  });
});

/** Of whole milliseconds, or a grpc-timeout in the units that a time below 100 s has. */
function nanoseconds(text: string): number {
  const unit = { n: 1, u: 1e3, m: 1e6 }[text.at(-1) ?? ""];
  return unit === undefined ? Number(text) * 1e6 : Number(text.slice(0, -1)) * unit;
}
