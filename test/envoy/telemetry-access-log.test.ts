// The access log on a real Envoy: the filter leaves a line in filter state, and the file logger that every connection manager has prints it.
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type TestEnvoy } from "../support/envoy.ts";
import { filterModule } from "../support/filter-module.ts";
import { call } from "../support/http.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { istioFields, startSidecar } from "./telemetry-fixture.ts";

const ports = { all: 0, errors: 0, off: 0, dead: 0, bytes: 0 };
let app: Upstream;
let envoy: TestEnvoy;

beforeAll(async () => {
  app = await startUpstream((request, response) => {
    response.writeHead(Number(request.url?.slice(1)) || 200, { "x-said": "caf\u00e9" }).end("ok");
  });
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  const module = await filterModule("telemetry");
  const chain = (port: number, accessLog?: object, to = app.port) => ({
    ...{ direction: "INBOUND" as const, port, upstreamPorts: [to] },
    plugins: [{ name: "telemetry", module, config: accessLog ? { accessLog } : {} }],
  });
  envoy = await startSidecar({ workload: "web", labels: { app: "web" } }, [
    chain(ports.all, {
      fields: { ...istioFields, said: "response.headers['x-said']", user: "request.headers['x-user']" },
    }),
    chain(ports.errors, { filter: "response.code >= 400", fields: { failed: "response.code" } }),
    chain(ports.off),
    chain(
      ports.dead,
      { fields: { flags: "response.flags", dead: "upstream.transport_failure_reason" } },
      await freePort(),
    ),
    {
      ...chain(ports.bytes, {
        fields: {
          by: "'filter'",
          to: "request.path",
          received: istioFields["bytes_received"],
          sent: istioFields["bytes_sent"],
        },
      }),
      accessLog: '{"by":"envoy","to":"%PATH%","received":%BYTES_RECEIVED%,"sent":%BYTES_SENT%}',
    },
  ]);
});

afterAll(async () => {
  await envoy.stop();
  await app.stop();
});

const get = (port: number, path: string, headers: Readonly<Record<string, string>> = {}) =>
  call({ host: "127.0.0.1", port, path, headers: { host: "web.test", ...headers } });

/** Lines of JSON on Envoy's stdout. */
const lines = () =>
  envoy
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));

/** The line of which that is true. */
const line = (is: (fields: Readonly<Record<string, unknown>>) => boolean) =>
  envoy.waitFor(() => lines().find(is), "a line of the access log");

test("a line has Istio's fields, with the values and types that Envoy's own JSON log gives them", async () => {
  await get(ports.all, "/201?a=%22", { "user-agent": "vitest", "x-request-id": "not-a-uuid" });
  expect(await line(({ path }) => path === "/201?a=%22")).toEqual({
    ...{ start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), route_name: "default", method: "GET" },
    ...{ path: "/201?a=%22", protocol: "HTTP/1.1", response_code: 200, response_flags: "-" },
    ...{ response_code_details: "via_upstream", connection_termination_details: null },
    ...{ bytes_received: 0, bytes_sent: 2, duration: expect.any(Number), x_forwarded_for: null },
    ...{ upstream_service_time: expect.stringMatching(/^\d+$/), user_agent: "vitest", authority: "web.test" },
    ...{ request_id: expect.any(String), upstream_host: `127.0.0.1:${app.port}` },
    ...{ upstream_cluster: `inbound|${ports.all}`, upstream_local_address: expect.stringMatching(/^127.0.0.1:\d+$/) },
    ...{ downstream_local_address: `127.0.0.1:${ports.all}`, requested_server_name: null },
    ...{ downstream_remote_address: expect.stringMatching(/^127.0.0.1:\d+$/), upstream_transport_failure_reason: null },
    ...{ said: "caf\u{fffd}", user: null },
  });
});

test("bytes that are no text, quotes and control characters of a caller stay within their field", async () => {
  const user = Buffer.from([0xff, 0x22, 0x5c, 0x09, 0x7b, 0xc3, 0xa9, 0xed, 0xa0, 0x80]);
  const socket = connect(ports.all, "127.0.0.1");
  socket.write("GET /bytes HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-user: ");
  socket.write(user);
  socket.write("\r\n\r\n");
  socket.resume();
  const found = await line(({ path }) => path === "/bytes");
  expect(found["user"]).toBe(user.toString("utf8"));
});

test("only what the filter's expression wants is logged, and nothing where there is no access log", async () => {
  for (const path of ["/200", "/404", "/500"]) await get(ports.off, path);
  for (const path of ["/200", "/404", "/302", "/500"]) await get(ports.errors, path);
  await line(({ failed }) => failed === 500);
  expect(lines().flatMap(({ failed }) => failed ?? [])).toEqual([404, 500]);
});

test("a request that Envoy answers itself is logged with its flags", async () => {
  expect((await get(ports.dead, "/")).status).toBe(503);
  expect(await line(({ flags }) => flags !== undefined)).toEqual({
    ...{ flags: "UF", dead: expect.stringContaining("Connection refused") },
  });
});

test.each`
  what                                         | head                                           | body                                            | received | sent
  ${"an upload that breaks off"}               | ${"POST /broken\ncontent-length: 1000000"}     | ${"0123456789"}                                 | ${10}    | ${0}
  ${"a body in chunks, with a trailer"}        | ${"POST /chunked\ntransfer-encoding: chunked"} | ${"3\r\nabc\r\n2\r\nde\r\n0\r\nx-t: 1\r\n\r\n"} | ${5}     | ${2}
  ${"a body of a known length"}                | ${"POST /whole\ncontent-length: 3"}            | ${"abc"}                                        | ${3}     | ${2}
  ${"an answer without the body it speaks of"} | ${"HEAD /head"}                                | ${""}                                           | ${0}     | ${0}
`("bytes are those that went through, as in Envoy's own log: $what", async ({ head, body, received, sent }) => {
  const [request, ...headers] = head.split("\n");
  const to = request.split(" ")[1];
  const socket = connect(ports.bytes, "127.0.0.1");
  socket.write([`${request} HTTP/1.1`, "host: a", ...headers, "", body].join("\r\n"));
  if (to === "/broken") socket.end();
  socket.resume();
  for (const by of ["envoy", "filter"]) {
    expect(await line((fields) => fields["by"] === by && fields["to"] === to)).toEqual({ by, to, received, sent });
  }
  socket.destroy();
});
