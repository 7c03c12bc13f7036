import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bootstrap } from "../../controller/inject/bootstrap.ts";
import { defaultSettings } from "../../controller/model/mesh.ts";
import { proxy } from "../../controller/translate/test-support/model.ts";
import { testAuthority } from "../support/authority.ts";
import { startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { until } from "../support/wait.ts";

// How an Envoy proves who it is, and whom it believes, by nothing but its bootstrap.

let dir: string;
let port: number;
/** What streams brought as `authorization`. */
const seen: string[] = [];
const server = new Server();
const envoys: TestEnvoy[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "sluice-"));
  const authority = await testAuthority();
  const names = { hosts: ["sluice.istio-system.svc"] };
  const { chain, key } = await authority.issue(names, { nowMs: Date.now(), ttlMs: 600_000 });
  await writeFile(join(dir, "root-cert.pem"), authority.roots);
  await writeFile(join(dir, "other-root.pem"), (await testAuthority()).roots);
  await writeFile(join(dir, "token"), "the first token");
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const method = {
    path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
    ...{ requestStream: true, responseStream: true },
    ...{ requestSerialize: bytes.serialize, requestDeserialize: bytes.deserialize },
    ...{ responseSerialize: bytes.serialize, responseDeserialize: bytes.deserialize },
  };
  server.addService(
    { ads: method },
    {
      ads: (call: ServerDuplexStream<Buffer, Buffer>) => {
        seen.push(String(call.metadata.get("authorization")[0]));
        call.once("data", () => call.end()); // so that it comes again
      },
    },
  );
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(chain), private_key: Buffer.from(key.reveal()) },
  ]);
  port = await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
});

afterAll(async () => {
  await Promise.all(envoys.map((envoy) => envoy.stop()));
  server.forceShutdown();
  await rm(dir, { recursive: true });
});

async function start(root: string, serverName?: string): Promise<TestEnvoy> {
  const nowhere = { address: "127.0.0.1", port: 0 };
  const config = bootstrap({
    proxy: proxy(),
    settings: defaultSettings,
    xds: {
      address: "127.0.0.1",
      port,
      secure: {
        rootCertFile: join(dir, root),
        tokenFile: join(dir, "token"),
        ...(serverName !== undefined && { serverName }),
      },
    },
    adminSocket: join(dir, "unused"),
    listen: { prometheus: nowhere, ready: nowhere, admin: nowhere },
  });
  const envoy = await startEnvoy(config);
  envoys.push(envoy);
  return envoy;
}

test("the token is read again at each stream, the server known by its name", async () => {
  await start("root-cert.pem", "sluice.istio-system.svc");
  await until(() => seen.includes("Bearer the first token"), "a stream with the first token");
  await writeFile(join(dir, "token"), "the second token");
  await until(() => seen.includes("Bearer the second token"), "a stream with the second token");
  await envoys.pop()?.stop();
});

test.each`
  root                | serverName                   | why
  ${"root-cert.pem"}  | ${undefined}                 | ${"its address is not in its certificate"}
  ${"root-cert.pem"}  | ${"other.istio-system.svc"}  | ${"its name is not in its certificate"}
  ${"other-root.pem"} | ${"sluice.istio-system.svc"} | ${"another root signed its certificate"}
`("a server is not believed when $why", async ({ root, serverName }) => {
  const before = seen.length;
  const envoy = await start(root, serverName);
  await envoy.waitFor(() => /gRPC config stream .*closed/.test(envoy.output()), "Envoy to give up");
  expect(seen.length).toBe(before);
});
