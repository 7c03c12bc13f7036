// The caller of a real Envoy over HTTP/1.1: a body without content-length is chunked.
import * as http from "node:http";
import { connect as connectTcp } from "node:net";
import type { Pair } from "../../sdk/host/pairs.ts";
import { type Caller, headersOf, pairsOf, type Received } from "./caller.ts";
import type { RequestScript } from "./script.ts";

export async function connectHttp1(port: number): Promise<Caller> {
  const socket = connectTcp(port, "127.0.0.1");
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  socket.on("error", () => {}); // what it means for a request, the request says
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => socket;
  return {
    source: `127.0.0.1:${socket.localPort}`,
    send: (request, leave) => send(agent, request, leave),
    close: () => socket.destroy(),
  };
}

async function send(agent: http.Agent, request: RequestScript, leave: Promise<void>): Promise<Received> {
  const { method = "GET", path = "/", host = "service.test", headers = [], body = [], trailers = [] } = request;
  const all = headersOf([["host", host], ...headers]);
  const sent = http.request({ agent, method, path, headers: { ...all, ...(trailers.length > 0 && { trailer: "x" }) } });
  const received = receive(sent);
  for (const chunk of body) await new Promise((resolve) => sent.write(Buffer.from(chunk, "latin1"), resolve));
  if (trailers.length > 0) sent.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
  sent.end();
  if (request.leaves) {
    await leave;
    sent.destroy();
  }
  return { ...(await received), ...(request.leaves && { isCut: true }) };
}

/** What Envoy's codec itself writes, behind all filters. */
function isNoFraming([name, value]: Pair): boolean {
  return !/^(connection|transfer-encoding)$/.test(name) && !(name === "content-length" && value === "0");
}

function receive(sent: http.ClientRequest): Promise<Received> {
  const cut: Received = { headers: [], body: "", trailers: [], isCut: true };
  return new Promise((resolve) => {
    sent.on("error", () => resolve(cut));
    sent.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => {}); // "close" follows
      response.on("close", () =>
        resolve({
          headers: [[":status", String(response.statusCode)], ...pairsOf(response.rawHeaders).filter(isNoFraming)],
          body: Buffer.concat(chunks).toString("latin1"),
          trailers: pairsOf(response.rawTrailers),
          isCut: !response.complete,
        }),
      );
    });
  });
}
