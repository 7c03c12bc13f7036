import { once } from "node:events";
import { Agent, request } from "node:https";
import { text } from "node:stream/consumers";
import { connect, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { party } from "../ca/test-support/pki.ts";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import { TestLog } from "../ports/log.ts";
import { serveWebhooks, type Webhook, type WebhookServer } from "./server.ts";

let server: WebhookServer | undefined;
afterEach(() => server?.close());

/** A certificate that signs itself, so that it tells which one is served. */
async function certificate(name: string): Promise<Certificate> {
  const { certificate: chain, key } = await party(name);
  return { chain, key: new PrivateKey(key), roots: chain, notBeforeMs: 0, notAfterMs: 0 };
}

const log = new TestLog();
let current: Certificate;
let renewed = (): void => {};

async function start(webhook: Webhook): Promise<WebhookServer> {
  current = await certificate("first");
  server = await serveWebhooks({
    host: "127.0.0.1",
    port: 0,
    certificate: {
      get current() {
        return current;
      },
      onChange(listener) {
        renewed = listener;
        return () => {};
      },
    },
    webhooks: { "/validate": webhook },
    log,
  });
  return server;
}

/** Status, what the body says, who answered, and what becomes of the connection. */
function call(
  path: string,
  body: string,
  method = "POST",
  agent: Agent | false = false,
): Promise<readonly [number, string, string, string | undefined]> {
  return new Promise((resolve, reject) => {
    const options = { port: server?.port, path, method, rejectUnauthorized: false, agent };
    const sent = request(options, async (response) => {
      const { CN } = (response.socket as TLSSocket).getPeerCertificate().subject;
      resolve([response.statusCode ?? 0, await text(response), String(CN), response.headers.connection]);
    });
    sent.on("error", reject);
    sent.setHeader("content-length", Buffer.byteLength(body));
    sent.end(body);
  });
}

const review = JSON.stringify({
  apiVersion: "admission.k8s.io/v1",
  kind: "AdmissionReview",
  request: { uid: "u1", operation: "CREATE", object: {} },
});
const allow: Webhook = (_, deadlineMs) => Promise.resolve({ allowed: true, warnings: [String(deadlineMs)] });

test("a review is answered, within what the API server will wait", async () => {
  await start(allow);
  const [code, body] = await call("/validate?timeout=5s", review);
  expect([code, JSON.parse(body).response]).toEqual([200, { uid: "u1", allowed: true, warnings: ["4000"] }]);
  expect(JSON.parse((await call("/validate", review))[1]).response.warnings).toEqual(["8000"]);
});

test.each([
  ["another path", "/other", review, "POST", 404, "not found; there are /validate\n"],
  ["another method", "/validate", "", "GET", 405, "only POST is answered\n"],
  ["no review", "/validate", "{}", "POST", 400, "the body is no AdmissionReview of admission.k8s.io/v1\n"],
  ["too much", "/validate", " ".repeat(8 * 1024 * 1024 + 1), "POST", 413, "the body is larger than 8388608 bytes\n"],
])("%s is answered with a sentence", async (_, path, body, method, code, sentence) => {
  await start(allow);
  expect((await call(path, body, method)).slice(0, 2)).toEqual([code, sentence]);
});

test("readiness is answered without a review", async () => {
  await start(allow);
  expect((await call("/ready", "", "GET")).slice(0, 2)).toEqual([200, "ready\n"]);
});

test("a fault of ours is told and logged", async () => {
  await start(() => Promise.reject(new Error("no luck")));
  expect((await call("/validate", review)).slice(0, 2)).toEqual([500, "no luck\n"]);
  expect(log.lines).toEqual(["error: webhook /validate: no luck"]);
});

test("close lets an answer end, and says that its connection does", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const { promise: verdict, resolve: decide } = Promise.withResolvers<Awaited<ReturnType<Webhook>>>();
  const started = await start(() => {
    ask();
    return verdict;
  });
  const agent = new Agent({ keepAlive: true });
  const answer = call("/validate", review, "POST", agent);
  await asked;
  const closed = started.close();
  decide({ allowed: true, warnings: [] });
  const [code, , , connection] = await answer;
  expect([code, connection]).toEqual([200, "close"]);
  await closed;
  agent.destroy();
});

test("close does not wait for a connection on which nothing was asked", async () => {
  const started = await start(allow);
  const socket = connect({ host: "127.0.0.1", port: started.port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  await started.close();
  await once(socket, "close");
});

test("a renewed certificate is served from the next connection on", async () => {
  await start(allow);
  expect((await call("/validate", review))[2]).toBe("first");
  current = await certificate("second");
  renewed();
  expect((await call("/validate", review))[2]).toBe("second");
});
