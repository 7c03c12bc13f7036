// gRPC calls and streams of a filter; test/envoy has the same on a real Envoy.
import { beforeAll, expect, test, vi } from "vitest";
import { sourceModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }); // the compiler takes seconds where others compute

let module: Uint8Array;

beforeAll(async () => {
  module = await sourceModule("sdk/assembly/testing/grpc.ts");
});

const text = (messages: readonly Uint8Array[]) => messages.map((message) => Buffer.from(message).toString());

test("a call is answered with a message, or fails with a status", async () => {
  const host = await Host.load(module);
  host.onGrpcCall("grpc", (call) => {
    if (`${call.service}/${call.method}` === "test.Echo/Fail") call.close({ status: 7, text: "not%20you" });
    else call.send(`${text(call.messages)} ${call.metadata.get("x-asked-by")} ${call.service} ${call.isComplete}`);
  });
  expect(host.fetch({ path: "/call" }).body).toBe("got hello a filter test.Echo true");
  expect(host.fetch({ path: "/fail" }).body).toBe("closed with 7 not%20you{via_upstream}");
  expect(host.fetch({ path: "/unknown" }).body).toBe("refused with 10");
  expect(host.grpcCalls).toEqual([]);
});

test("a stream brings metadata and messages until it is closed", async () => {
  const host = await Host.load(module);
  host.onGrpcCall("grpc");
  const request = host.stream({ path: "/stream" });
  const [stream] = host.grpcCalls;
  expect(text(stream?.messages ?? [])).toEqual(["hello", "again"]);
  expect(stream?.isComplete).toBe(true);
  stream?.sendMetadata({ "x-begin": "a" });
  stream?.send("hello");
  stream?.send("again");
  expect(request.isOver).toBe(false);
  stream?.close({ text: "OK", trailingMetadata: { "x-end": "z" } });
  expect(request.reply.body).toBe("a\nhello\nagain\nz\n0OK{via_upstream}");
  expect(() => stream?.send("late")).toThrow("test.Echo/Stream is over already");
});

test("nobody hears of a call whose stream is over, nor of one whose plugin ended", async () => {
  const host = await Host.load(module);
  host.onGrpcCall("grpc");
  host.stream({ path: "/call" }).disconnect();
  expect(host.grpcCalls).toHaveLength(1);
  host.grpcCalls[0]?.send("late");
  expect(host.logs).toEqual([]);
  const request = host.stream({ path: "/call" });
  await host.replace(module, { config: "other" });
  request.disconnect();
  expect(host.grpcCalls).toEqual([]);
});
