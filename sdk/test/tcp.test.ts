// A network filter, driven from both ends of a connection.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/tcp.ts");
});

async function connect() {
  const host = await Host.load(module);
  const connection = host.connect({ connection: { source: "10.0.0.1:5000" } });
  return { host, connection, said: () => host.logs.map(({ text }) => text) };
}

test("bytes pass both ways, changed; a stop shows them again with what comes behind", async () => {
  const { connection, said } = await connect();
  connection.client.send("a");
  expect([connection.server.received, connection.isHeld]).toEqual(["", true]);
  connection.client.send("b\n");
  connection.server.send("wait");
  connection.server.send("ed", { endStream: true });
  expect(connection.server).toMatchObject({ received: "> ab\n", isEnded: false });
  expect(connection.client).toMatchObject({ received: "waited!", isEnded: true });
  expect(said()).toEqual([
    "new 10.0.0.1:5000",
    "down 1 a",
    "down 3 ab\n",
    "up 4 wait",
    "up 6 waited end",
    "upstream closed by 0",
  ]);
});

test("the caller resets: close, done, log, delete", async () => {
  const { connection, said } = await connect();
  connection.client.reset();
  expect(connection.isClosed).toBe(true);
  expect(said().slice(1)).toEqual(["closed by 2", "done", "log", "deleted"]);
  expect(() => connection.server.send("late")).toThrow("the connection is closed");
});

test("the upstream resets", async () => {
  const { connection, said } = await connect();
  connection.client.send("a\n");
  connection.server.reset();
  expect(connection.client).toMatchObject({ isEnded: true, isReset: true });
  expect(connection.flags).toEqual(["UR"]);
  expect(said().slice(2)).toEqual(["closed by 1", "done", "log", "deleted"]);
});

test.each`
  options                           | flags
  ${{ isRefused: true }}            | ${["UF", "URX"]}
  ${{ cluster: { endpoints: [] } }} | ${["UH"]}
`("without an upstream the connection is closed at once: $flags", async ({ options, flags }) => {
  const host = await Host.load(module);
  const connection = host.connect(options);
  expect(connection).toMatchObject({ isClosed: true, isConnected: false, flags });
  expect(() => connection.client.send("a")).toThrow("the connection is closed");
});

test("a filter closes the connection, after its callback", async () => {
  const { connection, said } = await connect();
  connection.client.send("close");
  expect(connection).toMatchObject({ isClosed: true, isHeld: false });
  expect(connection.server.received).toBe("");
  expect(said().slice(1)).toEqual(["down 5 close", "closed by 1", "done", "log", "deleted"]);
});

test("a tick lets go on what was held, past the filter", async () => {
  const { host, connection } = await connect();
  connection.client.send("tick");
  expect(connection.server.received).toBe("");
  host.advance("10ms");
  expect(connection.server.received).toBe("tick");
});
