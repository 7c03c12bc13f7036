import { expect, test } from "vitest";
import { serve } from "../test-support.ts";
import { client, isDirect } from "./client.ts";

test("calls go to the proxy with their whole URL, or directly where no_proxy says so", async () => {
  const seen: string[] = [];
  const server = await serve((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers["x-request-id"]}`);
    response.writeHead(418).end("tea");
  });
  const call = client({ http_proxy: server.url.href, no_proxy: "127.0.0.1,localhost" });
  const headers = { "x-request-id": "7" };
  const proxied = await call({ url: new URL("http://catalog.istioinaction:80/items?a=1"), headers });
  await call({ method: "POST", url: new URL("/direct", server.url), headers, body: "{}" });
  await server.close();
  expect(proxied).toEqual({ status: 418, text: "tea" });
  expect(seen).toEqual([
    "GET http://catalog.istioinaction/items?a=1 catalog.istioinaction 7",
    `POST /direct ${server.url.host} 7`,
  ]);
});

test.each`
  host                 | noProxy                   | direct
  ${"127.0.0.1"}       | ${"127.0.0.1,localhost"}  | ${true}
  ${"localhost"}       | ${"127.0.0.1, localhost"} | ${true}
  ${"a.shop.internal"} | ${".internal"}            | ${true}
  ${"catalog"}         | ${"alog"}                 | ${false}
  ${"catalog"}         | ${""}                     | ${false}
  ${"catalog"}         | ${"*"}                    | ${true}
`("no_proxy $noProxy and host $host: direct is $direct", ({ host, noProxy, direct }) => {
  expect(isDirect(host, noProxy)).toBe(direct);
});
