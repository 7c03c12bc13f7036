import { connect, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Host } from "../../sdk/host/index.ts";
import { freePort, startEnvoy, type TestEnvoy } from "../support/envoy.ts";
import { filterBootstrap, staticCluster } from "../support/filter-envoy.ts";
import { sourceModule } from "../support/filter-module.ts";

// A network filter sees on a real Envoy what it sees on the host.

vi.setConfig({ hookTimeout: 120_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;
let envoy: TestEnvoy;
let port: number;
let server: Server;
let upstream: Socket | undefined;
let received = { client: "", server: "" };
/** Envoy's output before the connection. */
let before = 0;
/** In the place of bytes: no more will come. */
const end = "";

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/tcp.ts");
  port = await freePort();
  const upstreamPort = await freePort();
  server = createServer({ allowHalfOpen: true }, (socket) => {
    upstream = socket;
    socket.on("data", (bytes) => {
      received.server += bytes;
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(upstreamPort, "127.0.0.1", resolve));
  const tcp = [{ port, cluster: "upstream", plugin: { name: "tcp", module } }];
  envoy = await startEnvoy(filterBootstrap([], undefined, [staticCluster("upstream", upstreamPort)], { tcp }));
});

afterAll(async () => {
  await envoy?.stop();
  upstream?.destroy();
  server?.close();
});

/** What the two ends do, and the line by which the filter says that it came. */
const stories: Readonly<Record<string, readonly (readonly [line: string, end: "client" | "server", bytes: string])[]>> =
  {
    "stops and changes in both directions; the upstream ends first": [
      ["down 1 a", "client", "a"],
      ["down 3 ab", "client", "b\n"],
      ["up 4 wait", "server", "wait"],
      ["up 6 waited", "server", "ed"],
      ["upstream closed by 0", "server", end],
      ["down 0", "client", end],
    ],
    "the caller ends first": [
      ["down 2 a", "client", "a\n"],
      ["down 0", "client", end],
      ["up 3 yes", "server", "yes"],
      ["upstream closed by 0", "server", end],
    ],
  };

test.each(Object.entries(stories))("%s", async (_title, steps) => {
  const host = await Host.load(module);
  const onHost = host.connect();
  const client = await open();
  for (const [line, from, bytes] of steps) {
    if (from === "server") await envoy.waitFor(() => upstream, "Envoy to connect");
    const socket = from === "client" ? client : upstream;
    if (bytes === end) socket?.end();
    else socket?.write(bytes);
    await envoy.waitFor(
      () => said().some((text) => text.startsWith(line)),
      `the filter to say ${JSON.stringify(line)}`,
    );
    if (bytes === end) onHost[from].send("", { endStream: true });
    else onHost[from].send(bytes);
  }
  await envoy.waitFor(() => said().includes("deleted"), "the end of the connection");
  await envoy.waitFor(
    () => received.client === onHost.client.received,
    () => `the caller to have ${onHost.client.received}`,
  );
  expect(received.server).toBe(onHost.server.received);
  expect(onHost.isClosed).toBe(true);
  const onHostSaid = host.logs.map(({ text }) => text.split("\n", 1)[0]);
  expect(said().slice(1)).toEqual(onHostSaid.slice(1));
});

/** What the filter has logged, in order. */
function said(): string[] {
  return [
    ...envoy
      .output()
      .slice(before)
      .matchAll(/wasm log tcp tcp: (.*)/g),
  ].map(([, text = ""]) => text.trim());
}

async function open(): Promise<Socket> {
  await envoy.live();
  before = envoy.output().length;
  upstream = undefined;
  received = { client: "", server: "" };
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("data", (bytes) => {
    received.client += bytes;
  });
  await new Promise((resolve) => client.once("connect", resolve));
  return client;
}
