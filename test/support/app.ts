// A workload for tests, started by a Deployment's command: answers as its path asks and counts what reaches it.
//
//   /status/503        this status, with the body `status 503 of <pod>`
//   /slow/300          200 after 300 ms
//   /stream/40/50      40 lines, one every 50 ms
//   /counts            how often each other path was asked for, as JSON; DELETE forgets
//   a gRPC call        one empty message
//   an upgrade         accepted; whatever comes is echoed until the peer ends
//   anything else      200 with the pod's name, the caller's address and the request's headers as JSON
import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import { env } from "node:process";
import { setTimeout as pause } from "node:timers/promises";

const pod = env["POD_NAME"] ?? "app";
const counts = new Map<string, number>();

const server = createServer((request, response) => {
  const path = request.url ?? "/";
  if (path === "/counts") {
    if (request.method === "DELETE") counts.clear();
    return answer(response, 200, JSON.stringify(Object.fromEntries(counts)));
  }
  counts.set(path, (counts.get(path) ?? 0) + 1);
  const { "content-type": type } = request.headers;
  if (type === "application/grpc") return void response.writeHead(200, { "content-type": type }).end(new Uint8Array(5));
  const [, verb, first = "0", second = "0"] = path.split("/");
  if (verb === "status") return answer(response, Number(first), `status ${first} of ${pod}`);
  if (verb === "slow") return void pause(Number(first)).then(() => answer(response, 200, "slow"));
  if (verb === "stream") return void stream(response, { lines: Number(first), everyMs: Number(second) });
  answer(response, 200, JSON.stringify({ pod, peer: request.socket.remoteAddress, headers: request.headers }));
});

server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`) // RFC 6455, section 1.3
    .digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
  );
  socket.pipe(socket);
  socket.on("error", () => socket.destroy());
});

server.listen(Number(env["PORT"] ?? 8080), env["HOST"] ?? "0.0.0.0");
process.once("SIGTERM", () => process.exit()); // as process 1 of a container it would not end without this

function answer(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain" }).end(body);
}

async function stream(response: ServerResponse, { lines, everyMs }: { lines: number; everyMs: number }): Promise<void> {
  response.writeHead(200, { "content-type": "text/plain" });
  for (let line = 1; line <= lines; line++) {
    response.write(`line ${line}\n`);
    await pause(everyMs);
  }
  response.end();
}
