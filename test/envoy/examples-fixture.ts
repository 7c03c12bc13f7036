// One Envoy with all filters of examples/filters, each on a listener of its own, and what they call.
import { createServer, type Server } from "node:net";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import * as grpc from "@grpc/grpc-js";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { type Chain, filterBootstrap, type Plugin, staticCluster } from "../support/filter-envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

export interface Examples {
  readonly envoy: TestEnvoy;
  /** Where each filter listens. */
  readonly ports: Readonly<Record<string, number>>;
  /** The application behind all of them: answers with the request's headers, or as its path says. */
  readonly upstream: Upstream;
  /** Lines that services were brought, by their path. */
  readonly brought: Readonly<Record<"/audit" | "/logs", readonly string[]>>;
  stop(): Promise<void>;
}

/** With two workers: what they share, they share. */
export async function startExamples(): Promise<Examples> {
  const brought: Record<"/audit" | "/logs", string[]> = { "/audit": [], "/logs": [] };
  const upstream = await startUpstream((request, response) => {
    if (request.url === "/audit" || request.url === "/logs") {
      const lines = brought[request.url];
      request.setEncoding("utf8").on("data", (text: string) => lines.push(...text.trimEnd().split("\n")));
      request.once("end", () => response.writeHead(204).end());
    } else if (request.url === "/verify") {
      if (request.headers["x-api-key"] === "s3cret") response.end("alice\n");
      else response.writeHead(404).end();
    } else if (request.url === "/json") {
      response.setHeader("content-type", "application/json");
      response.write('{"id":1,"ca');
      response.end('rd":"4111"}');
    } else if (request.url === "/numbers") {
      response.write("card 4111 1111 ");
      response.end("1111 1111, amount 3");
    } else {
      response.end(JSON.stringify(request.headers));
    }
  });
  const quota = await startQuota();
  const echo = await startEcho();
  const ports: Record<string, number> = {};
  const plugin = async (name: string, config: Plugin["config"] = {}, module = name): Promise<Plugin> => {
    ports[name] = await freePort();
    return { name, module: await filterModule(module), config };
  };
  const chain = ({ name, ...rest }: Plugin, more: Partial<Chain> = {}): Chain => ({
    ...{ direction: "INBOUND", port: ports[name] ?? 0, upstreamPorts: [upstream.port], plugins: [{ name, ...rest }] },
    ...more,
  });
  const toCanary = { name: "x-version", string_match: { exact: "canary" } };
  const direct = { status: 200, body: { inline_string: "from the canary" } };
  const chains = [
    chain(await plugin("hello")),
    chain(await plugin("json-rewrite", { remove: ["card"] })),
    chain(await plugin("redact-numbers")),
    chain(await plugin("rate-limit", { requests: 1, per: "1h", burst: 5 })),
    chain(await plugin("api-key", { cluster: "upstream" })),
    chain(await plugin("grpc-quota", { cluster: "quota" })),
    chain(await plugin("audit-sender", { sendTo: "audit-collector" }, "audit-queue")),
    chain(await plugin("canary", { percent: 50 }), {
      routes: [{ name: "canary", match: { prefix: "/", headers: [toCanary] }, direct_response: direct }],
    }),
  ];
  const accessLogger = await plugin("access-logger", { cluster: "upstream", every: "100ms" });
  chains.push(chain(accessLogger, { plugins: [], accessLoggers: [accessLogger] }));
  const peers = [
    staticCluster("upstream", upstream.port),
    staticCluster("quota", quota.port, true),
    staticCluster("echo", echo.port),
  ];
  const logger = await plugin("tcp-logger");
  const bootstrap = filterBootstrap(chains, undefined, peers, {
    tcp: [{ port: ports["tcp-logger"] ?? 0, cluster: "echo", plugin: logger }],
    services: [await plugin("audit-collector", { cluster: "upstream" }, "audit-queue")],
  });
  const envoy = await startEnvoy(bootstrap, { concurrency: 2, args: ["--component-log-level", "wasm:info"] });
  await envoy.live();
  return {
    ...{ envoy, ports, upstream, brought },
    async stop() {
      await envoy.stop();
      await upstream.stop();
      quota.stop();
      echo.server.close();
    },
  };
}

/** A service of examples/filters/grpc-quota/quota.proto: alice has 41 requests left, all others none. */
async function startQuota(): Promise<{ readonly port: number; stop(): void }> {
  const server = new grpc.Server();
  const bytes = { serialize: (message: Uint8Array) => Buffer.from(message), deserialize: (message: Buffer) => message };
  const take = {
    ...{ path: "/shop.Quota/Take", requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
    ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
  };
  const answer: grpc.handleUnaryCall<Uint8Array, Uint8Array> = ({ request }, done) => {
    const reader = new BinaryReader(request);
    const [field] = reader.tag();
    const isAlice = field === 1 && reader.string() === "alice";
    const response = new BinaryWriter().tag(1, WireType.Varint).bool(isAlice);
    done(
      null,
      response
        .tag(2, WireType.Varint)
        .uint32(isAlice ? 41 : 0)
        .finish(),
    );
  };
  server.addService({ Take: take }, { Take: answer });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

/** Sends back what it is sent. */
async function startEcho(): Promise<{ readonly port: number; readonly server: Server }> {
  const port = await freePort();
  const server = createServer((socket) => socket.pipe(socket));
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { port, server };
}
