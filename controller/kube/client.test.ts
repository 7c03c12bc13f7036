import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { afterEach, expect, test } from "vitest";
import { party } from "../ca/test-support/pki.ts";
import { KubeClient } from "./client.ts";
import { KubeError } from "./kube-error.ts";

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A client of an API server that answers like this. */
async function clientOf(answer: Answer): Promise<KubeClient> {
  const { certificate: cert, key } = await party("api");
  const started = createServer({ cert, key }, async (request, response) =>
    answer(request, response, await text(request)),
  );
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: "c", server: `https://127.0.0.1:${port}`, skipTLSVerify: true },
    { name: "u", token: "secret" },
  );
  return new KubeClient(config);
}

function send(response: ServerResponse, body: object, code = 200, headers = {}): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

const things = { group: "x.dev", version: "v1", plural: "things" };

test("a list has all pages, and its items the kind that a list leaves out", async () => {
  const urls: string[] = [];
  const client = await clientOf((request, response) => {
    urls.push(request.url ?? "");
    const isFirst = !request.url?.includes("continue");
    send(response, {
      apiVersion: "x.dev/v1",
      kind: "ThingList",
      metadata: { resourceVersion: "7", ...(isFirst && { continue: "more" }) },
      items: [{ metadata: { name: isFirst ? "a" : "b" } }],
    });
  });
  const item = (name: string) => ({ apiVersion: "x.dev/v1", kind: "Thing", metadata: { name } });
  expect(await client.list(things, { namespace: "shop", labelSelector: "a=b" })).toEqual({
    items: [item("a"), item("b")],
    resourceVersion: "7",
  });
  expect(urls).toEqual([
    "/apis/x.dev/v1/namespaces/shop/things?labelSelector=a%3Db&limit=500",
    "/apis/x.dev/v1/namespaces/shop/things?labelSelector=a%3Db&limit=500&continue=more",
  ]);
});

test("a refusal has the server's code, reason, words and causes", async () => {
  const causes = [{ reason: "FieldValueInvalid", field: "spec.url", message: "is no URL" }];
  const status = { kind: "Status", message: "thing is invalid", reason: "Invalid", code: 422, details: { causes } };
  const client = await clientOf((_, response) => send(response, status, 422, { "retry-after": "3" }));
  const error = await client.create(things, {}).catch((one: unknown) => one);
  expect(error).toBeInstanceOf(KubeError);
  expect(error).toMatchObject({
    code: 422,
    reason: "Invalid",
    message: "thing is invalid",
    causes: [{ field: "spec.url", message: "is no URL" }],
    retryAfterMs: 3000,
  });
});

test("what is not there is undefined to get, and false to delete", async () => {
  const client = await clientOf((_, response) => send(response, { kind: "Status", message: "no", code: 404 }, 404));
  expect(await client.get({ ...things, name: "a" })).toBeUndefined();
  expect(await client.delete({ ...things, name: "a" })).toBe(false);
});

test("calls share a connection, also after a DELETE with a body", async () => {
  const seen: string[] = [];
  const ports = new Set<number | undefined>();
  const client = await clientOf((request, response, body) => {
    seen.push(`${request.method} ${request.headers.authorization} ${body}`);
    ports.add(request.socket.remotePort);
    send(response, {});
  });
  await client.delete({ ...things, name: "a" }, { uid: "u1" });
  await client.get({ ...things, name: "a" });
  expect(seen).toEqual(['DELETE Bearer secret {"preconditions":{"uid":"u1"}}', "GET Bearer secret "]);
  expect(ports.size).toBe(1);
});

test("a server that can't be reached or does not answer in time is told as such", async () => {
  const client = await clientOf(() => {});
  await expect(client.get({ ...things, name: "a" }, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 0,
    reason: "Timeout",
    message: expect.stringMatching(
      /^the API server at https:\S+ did not answer GET \/apis\/x.dev\/v1\/things\/a in time$/,
    ),
  });
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
  await expect(client.get({ ...things, name: "a" })).rejects.toMatchObject({ code: 0, reason: "Unreachable" });
});

test("a watch hands out lines, however they are cut, and tells a connection that breaks", async () => {
  let stream: ServerResponse | undefined;
  const client = await clientOf((_, response) => {
    stream = response;
    response.writeHead(200, { "content-type": "application/json" }).flushHeaders();
  });
  const from = { resourceVersion: "1", timeoutSeconds: 60 };
  const events = await client.watch(things, from, new AbortController().signal);
  const line = JSON.stringify({ type: "ADDED", object: { metadata: { name: "ü" } } });
  const bytes = Buffer.from(`${line}\n${line}\n`);
  const cut = bytes.indexOf(0xc3) + 1; // within the letter
  stream?.write(bytes.subarray(0, cut));
  const first = events.next();
  stream?.write(bytes.subarray(cut));
  expect(await first).toEqual({ done: false, value: JSON.parse(line) });
  expect(await events.next()).toEqual({ done: false, value: JSON.parse(line) });
  stream?.destroy();
  await expect(events.next()).rejects.toMatchObject({ code: 0, reason: "Unreachable" });
});
