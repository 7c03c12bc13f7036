// The shop's front: a page and an API over the catalog and forum services.
// PORT (8080) and HOST (0.0.0.0) say where it listens; http_proxy and no_proxy how it reaches the others.
import { createServer } from "node:http";
import { env } from "node:process";
import { serveUntilTerm } from "../serve.ts";
import { webapp } from "./app.ts";
import { client } from "./client.ts";

const app = webapp({
  catalog: new URL(`http://${env["CATALOG_SERVICE_HOST"] ?? "catalog"}:${env["CATALOG_SERVICE_PORT"] ?? 80}`),
  forum: new URL(`http://${env["FORUM_SERVICE_HOST"] ?? "forum"}:${env["FORUM_SERVICE_PORT"] ?? 80}`),
  call: client(env),
  log: console.log,
});
serveUntilTerm(createServer(app), { port: Number(env["PORT"] ?? 8080), host: env["HOST"] ?? "0.0.0.0" });
