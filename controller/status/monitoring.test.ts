import { request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serveMonitoring } from "./monitoring.ts";

let server: Server;
beforeAll(async () => {
  server = await serveMonitoring(0, { "/debug/syncz": () => [{ name: "web-1.shop" }] });
});
afterAll(() => server.close());

function get(path: string): Promise<string> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const call = request({ host: "127.0.0.1", port, path, agent: false }, async (response) => {
      const text = (await response.setEncoding("utf8").toArray()).join("");
      resolve(`${response.statusCode} ${text.replace(/\s+/g, " ").trim()}`);
    });
    call.once("error", reject).end();
  });
}

test.each`
  path                   | answer
  ${"/debug/syncz"}      | ${'200 [ { "name": "web-1.shop" } ]'}
  ${"/debug/syncz?x=//"} | ${'200 [ { "name": "web-1.shop" } ]'}
  ${"/debug"}            | ${"404 not found; there are /debug/syncz"}
  ${"//"}                | ${"404 not found; there are /debug/syncz"}
`("GET $path answers $answer", async ({ path, answer }) => {
  expect(await get(path)).toBe(answer);
});
