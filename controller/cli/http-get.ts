import { request } from "node:http";
import type { HttpTarget } from "./deps.ts";

/** Longest time without a byte; a dump of a thousand clusters begins to come within one second. */
const idleMsMax = 10_000;

/** GET over TCP or a unix socket: the body of a 200, as text; rejects with where and what happened instead. */
export function httpGet(target: HttpTarget, path: string): Promise<string> {
  const place = "socket" in target ? target.socket : `${target.host}:${target.port}`;
  const address = "socket" in target ? { socketPath: target.socket } : target;
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => reject(new Error(`GET ${path} at ${place}: ${what}`));
    const call = request({ ...address, path, timeout: idleMsMax }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 200) resolve(text);
        else fail(`status ${response.statusCode}: ${text.slice(0, 200)}`);
      });
    });
    call.on("timeout", () => call.destroy(new Error(`no answer in ${idleMsMax / 1000} s`)));
    call.on("error", (error) => fail(error.message));
    call.end();
  });
}
