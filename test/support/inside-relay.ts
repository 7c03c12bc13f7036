// An HTTP proxy for tests where traffic is intercepted: it runs where a pod's application runs and calls whom the first
// line of a request names, as the application would. What the test sends is handed on as it is, so that a connection of
// the test is one of the application's; `CONNECT` opens one that may speak anything. The socket on which it listens is made
// by the test, in the machine's namespace.
import { connect, type Server, type Socket } from "node:net";

process.once("message", (_, server) => {
  (server as Server).on("connection", serve);
  process.send?.("listening");
});
process.once("disconnect", () => process.exit(0));

function serve(socket: Socket): void {
  let head = "";
  socket.on("error", () => {});
  socket.on("data", function read(data: Buffer) {
    head += data.toString("latin1");
    const [, method, url] = /^(\S+) (\S+) HTTP\/1\.1\r\n/.exec(head) ?? [];
    const isTunnel = method === "CONNECT";
    if (url === undefined || (isTunnel && !head.endsWith("\r\n\r\n"))) return;
    socket.off("data", read);
    const { hostname, port } = new URL(isTunnel ? `http://${url}` : url);
    const upstream = connect({ host: hostname, port: Number(port || 80) });
    if (isTunnel) upstream.once("connect", () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    else upstream.write(head, "latin1");
    upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
    socket.pipe(upstream).pipe(socket);
  });
}
