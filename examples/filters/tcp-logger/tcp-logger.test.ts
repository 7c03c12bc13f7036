import { expect, test } from "vitest";
import { Host } from "../../../sdk/host/index.ts";
import { filterModule } from "../../../test/support/filter-module.ts";

test("a connection leaves a line, and its bytes are counted as they come", async () => {
  const host = await Host.load(await filterModule("tcp-logger"));
  const properties = { "upstream.address": "10.0.0.7:5432" };
  const connection = host.connect({ connection: { source: "10.0.0.1:5000" }, properties });
  connection.client.send("hello");
  connection.client.send("!");
  connection.server.send("good day");
  expect(connection.client.received).toBe("good day");
  expect(connection.server.received).toBe("hello!");
  expect(host.metrics.counter("tcp_logger_received_bytes_total")).toBe(6);
  expect(host.metrics.counter("tcp_logger_sent_bytes_total")).toBe(8);
  const first = host.logs.length;
  host.advance("1500ms");
  connection.server.send("", { endStream: true });
  connection.client.send("", { endStream: true });
  expect(host.logs.slice(first).map(({ text }) => text)).toEqual([
    "source=10.0.0.1:5000 upstream=10.0.0.7:5432 received=6 sent=8 ms=1500",
  ]);
  expect(host.metrics.histogram("tcp_logger_connection_milliseconds")).toEqual([1500]);
});
