import { beforeAll, expect, test } from "vitest";
import { type GrpcHandler, Host } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("grpc-quota");
});

async function load(answer: GrpcHandler, config: Readonly<Record<string, unknown>> = {}) {
  const host = await Host.load(module, { config: { cluster: "quota", ...config } });
  host.onGrpcCall("quota", answer);
  return host;
}

/** protobuf: TakeResponse { allowed: true, remaining: 300 } */
const allowed = new Uint8Array([0x08, 1, 0x10, 0xac, 0x02]);
const spent = new Uint8Array(0);

test("a client that has quota left passes, and is told what is left", async () => {
  const host = await load((call) => {
    expect([call.service, call.method]).toEqual(["shop.Quota", "Take"]);
    expect(Buffer.from(call.messages[0] ?? []).toString("latin1")).toBe("\x0a\x05alice");
    call.send(allowed);
  });
  const reply = host.fetch({ headers: { "x-consumer": "alice" } });
  expect([reply.status, reply.headers.get("x-quota-remaining")]).toEqual([200, "300"]);
});

test("a name of 200 characters has a length of two bytes", async () => {
  const client = "a".repeat(200);
  const host = await load((call) => {
    expect(Buffer.from(call.messages[0] ?? []).toString("latin1")).toBe(`\x0a\xc8\x01${client}`);
    call.send(allowed);
  });
  expect(host.fetch({ headers: { "x-consumer": client } }).status).toBe(200);
});

test("one that has none is refused", async () => {
  const host = await load((call) => call.send(spent));
  const reply = host.fetch();
  expect([reply.status, reply.details, reply.headers.get("x-quota-remaining")]).toEqual([429, "quota", "0"]);
});

test.each<[string, GrpcHandler]>([
  ["a status", (call) => call.close({ status: 14, text: "nobody there" })],
  ["half a varint", (call) => call.send(new Uint8Array([0x08, 0x80]))],
  ["half a field", (call) => call.send(new Uint8Array([0x1a, 5, 1]))],
  ["a wire type that there is not", (call) => call.send(new Uint8Array([0x0b]))],
])("where the service answers with %s, `failOpen` decides", async (_, answer) => {
  expect((await load(answer)).fetch().status).toBe(503);
  expect((await load(answer, { failOpen: true })).fetch().status).toBe(200);
});

test("fields that are not known are passed over", async () => {
  const fields = [0x1a, 1, 0, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8];
  const host = await load((call) => call.send(new Uint8Array([...fields, ...allowed])));
  expect(host.fetch().headers.get("x-quota-remaining")).toBe("300");
});

test("a cluster that Envoy does not know counts as a failure", async () => {
  for (const [failOpen, status] of [
    [false, 503],
    [true, 200],
  ] as const) {
    const host = await Host.load(module, { config: { cluster: "unknown", failOpen } });
    expect(host.fetch().status).toBe(status);
  }
});
