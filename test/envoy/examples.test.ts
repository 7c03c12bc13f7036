// The filters of examples/filters on a real Envoy: what their tests on the host say, here once each.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { call, tally } from "../support/http.ts";
import { type Examples, startExamples } from "./examples-fixture.ts";

vi.setConfig({ hookTimeout: 300_000 }); // ten compilations, where modules are not kept yet

let examples: Examples;
beforeAll(async () => {
  examples = await startExamples();
});
afterAll(() => examples?.stop());

const get = (filter: string, path = "/", headers: Readonly<Record<string, string>> = {}) =>
  call({ host: "127.0.0.1", port: examples.ports[filter] ?? 0, path, headers });

/** Headers with which the application was reached. */
const reached = async (...request: Parameters<typeof get>) => JSON.parse((await get(...request)).body);

const metric = (name: string) => examples.envoy.stat(`wasmcustom.${name}`);

test("hello", async () => {
  const { headers, body } = await get("hello");
  expect([headers["x-hello"], JSON.parse(body)["x-hello"]]).toEqual(["from sluice", "from sluice"]);
});

test("json-rewrite", async () => {
  expect((await get("json-rewrite", "/json")).body).toBe('{"id":1}');
});

test("redact-numbers", async () => {
  expect((await get("redact-numbers", "/numbers")).body).toBe("card 4111 1111 **** ****, amount 3");
});

test("rate-limit counts over both workers", async () => {
  const replies = await Promise.all(Array.from({ length: 40 }, () => get("rate-limit")));
  expect(tally(replies, ({ status }) => status)).toEqual({ "200": 5, "429": 35 });
  expect(await metric("rate_limit_refused_total")).toBe(35);
  const listener = `listener.127.0.0.1_${examples.ports["rate-limit"]}`;
  for (const worker of [0, 1])
    expect(await examples.envoy.stat(`${listener}.worker_${worker}.downstream_cx_total`)).toBeGreaterThan(0);
});

test("api-key asks once for a key, and lets its consumer pass", async () => {
  for (let i = 0; i < 5; i++) {
    const headers = await reached("api-key", "/", { "x-api-key": "s3cret", "x-consumer": "mallory" });
    expect([headers["x-consumer"], headers["x-api-key"]]).toEqual(["alice", undefined]);
  }
  expect(await metric("result=.=good;.;api_key_checks_total")).toBe(1);
  expect((await get("api-key", "/", { "x-api-key": "guess" })).status).toBe(403);
  expect((await get("api-key")).status).toBe(401);
});

test("grpc-quota", async () => {
  const { status, headers } = await get("grpc-quota", "/", { "x-consumer": "alice" });
  expect([status, headers["x-quota-remaining"]]).toEqual([200, "41"]);
  expect((await get("grpc-quota", "/", { "x-consumer": "bob" })).status).toBe(429);
});

test("canary chooses the route, and nobody else does", async () => {
  const users = Array.from({ length: 40 }, (_, i) => `user-${i}`);
  const answers = await Promise.all(users.map((user) => get("canary", "/", { "x-user": user })));
  const chosen = answers.filter(({ body }) => body === "from the canary");
  expect(chosen.length).toBeGreaterThan(5);
  expect(chosen.length).toBeLessThan(35);
  expect((await reached("canary", "/", { "x-version": "canary" }))["x-version"]).toBeUndefined();
});

test("audit-queue: what requests leave, the other plugin brings to the service", async () => {
  await get("audit-sender", "/a", { "x-consumer": "alice" });
  await get("audit-sender", "/b");
  const socket = connect(examples.ports["audit-sender"] ?? 0, "127.0.0.1");
  socket.end("CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\n\r\n"); // has no :path
  await examples.envoy.waitFor(() => examples.brought["/audit"].length === 3, "three lines to be brought");
  expect(examples.brought["/audit"]).toEqual(["200 GET /a alice", "200 GET /b -", "404 CONNECT - -"]);
});

test("tcp-logger", async () => {
  const socket = connect(examples.ports["tcp-logger"] ?? 0, "127.0.0.1");
  await new Promise<void>((resolve) => socket.once("data", () => resolve()).write("hello"));
  socket.end();
  const line = await examples.envoy.waitFor(
    () => /wasm log tcp-logger tcp-logger: (source=.*)/.exec(examples.envoy.output())?.[1],
    "the connection's line",
  );
  expect(line).toMatch(/^source=127\.0\.0\.1:\d+ upstream=127\.0\.0\.1:\d+ received=5 sent=5 ms=\d+$/);
  expect(await metric("tcp_logger_received_bytes_total")).toBe(5);
});

test("access-logger: a line of JSON for each request", async () => {
  const sent = (await get("access-logger", '/a?q="1"')).body.length;
  const { "/logs": lines } = examples.brought;
  await examples.envoy.waitFor(() => lines.length === 1, "a line to be brought");
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    ...{ method: "GET", path: '/a?q="1"', status: 200, ms: expect.any(Number), sent },
  });
});
