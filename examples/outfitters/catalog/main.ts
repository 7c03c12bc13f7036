// The catalog service. PORT (3000) and HOST (0.0.0.0) say where it listens, SHOW_IMAGE=true makes it version 2.
import { createServer } from "node:http";
import { env } from "node:process";
import { serveUntilTerm } from "../serve.ts";
import { catalogApp } from "./app.ts";

const app = catalogApp({ showImage: env["SHOW_IMAGE"] === "true", random: Math.random, log: console.log });
serveUntilTerm(createServer(app), { port: Number(env["PORT"] ?? 3000), host: env["HOST"] ?? "0.0.0.0" });
