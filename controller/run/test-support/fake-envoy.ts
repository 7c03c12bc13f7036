// Stands in for Envoy where only its life matters: live on its admin socket, `-c FILE` as Envoy takes it.
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { argv } from "node:process";

const config = JSON.parse(readFileSync(argv[argv.indexOf("-c") + 1] ?? "", "utf8"));
const { path } = config.admin.address.pipe;
rmSync(path, { force: true });
createServer((_, response) => response.end("LIVE\n")).listen(path);
