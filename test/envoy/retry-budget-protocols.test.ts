import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { call, type Reply } from "../support/http.ts";
import { emptyMessage, grpcHeaders, http2Call, openHttp2 } from "../support/http2.ts";
import type { SeenRequest } from "../support/http2-app.ts";
import { node, startMesh, type TestMesh } from "../support/mesh.ts";
import { until } from "../support/wait.ts";
import { envoyOfWorkers, type WorkersEnvoy } from "../support/workers.ts";
import { gatewayTo, virtualService, workload } from "../support/yaml.ts";
import { type AttachedBudget, attachBudget } from "./retry-budget-fixture.ts";

// The retry budget as the controller delivers it, at each place of a mesh, in each protocol, on one worker and on four. There is
// one retry in the budget: of two calls that fail the second learns the truth at once.

const app = join(import.meta.dirname, "..", "support", "http2-app.ts");
const retries = 'retries: {attempts: 3, retryOn: "5xx,unavailable,reset", perTryTimeout: 20s}';

/** How a request reaches Envoy. */
interface Way {
  /** A new connection. */
  connect(): Promise<Duplex>;
  /** Over HTTP/1.1. */
  get(path: string): Promise<Reply>;
}

describe.each([1, 4])("on %i workers", (count) => {
  let workers: WorkersEnvoy;
  let mesh: TestMesh;
  const ways: Record<string, Way> = {};

  beforeAll(async () => {
    workers = await envoyOfWorkers(count);
    const files = {
      "catalog.yaml": workload("catalog", { port: "grpc", command: [node, app] }),
      "webapp.yaml": workload("webapp"),
      "routes.yaml": virtualService("catalog", retries),
      "edge.yaml": gatewayTo("catalog").replace(/^ {2}- route.*$/m, `$&\n    ${retries}`),
    };
    mesh = await startMesh(files, workers.env);
    const [edge, proxy] = [await mesh.gateway(), await mesh.httpProxy("webapp")];
    ways["gateway"] = { connect: async () => connect(edge), get: (path) => call({ ...edge, path }) };
    ways["sidecar"] = {
      connect: () => mesh.connection("webapp", "catalog.shop"),
      get: (path) => call({ ...proxy, path: `http://catalog.shop${path}` }),
    };
  });
  afterAll(async () => {
    await mesh?.stop();
    await workers?.remove();
  });

  describe.each`
    place               | workload                  | entry        | passes
    ${"gateway"}        | ${"istio-ingressgateway"} | ${"gateway"} | ${true}
    ${"client sidecar"} | ${"webapp"}               | ${"sidecar"} | ${true}
    ${"server sidecar"} | ${"catalog"}              | ${"sidecar"} | ${false}
  `("$place", ({ workload, entry, passes }: { workload: string; entry: string; passes: boolean }) => {
    let way: Way;
    let budget: AttachedBudget;
    beforeEach(async () => {
      way = ways[entry] ?? expect.fail();
      budget = await attachBudget(mesh, workload, { percent: 0, minRetries: 1 });
    });

    const connection = () => way.connect();
    const attemptsAt = async (path: string): Promise<number> =>
      (JSON.parse((await way.get("/seen")).body) as SeenRequest[]).filter(({ headers }) => headers[":path"] === path)
        .length;

    /** How often the application was asked in the meantime. */
    async function attempts(path: string, ask: () => Promise<unknown>): Promise<number> {
      const before = await attemptsAt(path);
      await ask();
      return (await attemptsAt(path)) - before;
    }

    /** A caller's budget passes the application's own response; a server's answers in its place, with a mark that stays. */
    const body = passes ? "closed" : "retry budget exhausted";
    const mark = passes ? undefined : "true";

    test("HTTP/1.1", async () => {
      const replies: Reply[] = [];
      const ask = async () => replies.push(await way.get("/fail"), await way.get("/fail"));
      expect(await attempts("/fail", ask)).toBe(3);
      for (const { status, headers, body: text } of replies) {
        expect([status, headers["x-retry-budget"], headers["x-envoy-ratelimited"]]).toEqual([503, "exhausted", mark]);
        expect(text).toBe(body);
      }
    });

    test("HTTP/2", async () => {
      const fail = async () => http2Call(await connection(), { ":path": "/fail", ":authority": "catalog.shop" });
      const ask = async () => {
        for (const { headers, body: text } of [await fail(), await fail()]) {
          expect([headers[":status"], headers["x-retry-budget"], text]).toEqual([503, "exhausted", body]);
          expect(headers["x-envoy-ratelimited"]).toBe(mark);
        }
      };
      expect(await attempts("/fail", ask)).toBe(3);
    });

    const rpc = (path: string) => grpcHeaders({ ":path": path, ":authority": "catalog.shop" });
    const exhausted = { "grpc-status": "14", "x-retry-budget": "exhausted" };

    test("gRPC", async () => {
      const ask = async () => {
        for (let i = 0; i < 2; i++) {
          const { headers } = await http2Call(await connection(), rpc("/fail"), emptyMessage);
          expect(headers).toMatchObject({ ...exhausted, "grpc-message": body });
          expect(headers["x-envoy-ratelimited"]).toBe(mark);
        }
      };
      expect(await attempts("/fail", ask)).toBe(3);
    });

    test("gRPC that streams in both directions goes on at the second attempt", async () => {
      const ask = async () => {
        const { stream, reply, end } = openHttp2(await connection(), rpc("/recover"));
        stream.write(emptyMessage);
        await until(
          () => reply.body.length === emptyMessage.length,
          "the message to come back from the second attempt",
        );
        stream.end(emptyMessage);
        expect(await end).toMatchObject({
          headers: { "grpc-status": "0" },
          body: "\0".repeat(2 * emptyMessage.length),
        });
        const denied = openHttp2(await connection(), rpc("/recover")); // and stays open
        denied.stream.write(emptyMessage);
        expect((await denied.end).headers).toMatchObject({ ...exhausted, "grpc-message": body });
      };
      expect(await attempts("/recover", ask)).toBe(3);
    });

    test("a retried stream goes on over a swap of the module, after which what was spent is spent", async () => {
      const ask = async () => {
        const { stream, reply, end } = openHttp2(await connection(), rpc("/recover"));
        stream.write(emptyMessage);
        await until(() => reply.body.length === emptyMessage.length, "the message to come back");
        await budget.swap();
        stream.end(emptyMessage);
        expect(await end).toMatchObject({ headers: { "grpc-status": "0" }, body: "\0".repeat(10) });
        const denied = await http2Call(await connection(), rpc("/recover"), emptyMessage);
        expect(denied.headers).toMatchObject({ ...exhausted, "grpc-message": body });
      };
      expect(await attempts("/recover", ask)).toBe(3);
    });

    test("gRPC that fails in its trailers is not retried", async () => {
      const ask = async () => {
        const { headers } = await http2Call(await connection(), rpc("/trailers"), emptyMessage);
        expect([headers["grpc-status"], headers["x-retry-budget"]]).toEqual(["14", undefined]);
      };
      expect(await attempts("/trailers", ask)).toBe(1);
    });

    test("a reset is a 503 to proxies of callers; at the server's, an attempt after it that is not made is answered", async () => {
      const ask = async () => {
        const first = await http2Call(await connection(), rpc("/reset"), emptyMessage);
        expect(first.headers).toMatchObject(exhausted);
        const second = await way.get("/reset");
        expect([second.status, second.headers["x-retry-budget"]]).toEqual([503, "exhausted"]);
        expect(second.body).toMatch(passes ? /reset reason: remote reset$/ : /^retry budget exhausted$/);
      };
      expect(await attempts("/reset", ask)).toBe(3);
    });
  });
});
