// A workload: listens where it is told to, and fails on `GET /crash`.
import { createServer } from "node:http";
import { env } from "node:process";

createServer((request, response) => {
  if (request.url === "/crash") {
    process.stderr.write("first\nlast words\n");
    process.exit(3);
  }
  response.end(env["POD_NAME"]);
}).listen(Number(env["PORT"]), env["HOST"]);
