import { type RequestOptions, request } from "node:http";
import type { HttpRequest, HttpTarget } from "./deps.ts";

/** Longest time without a byte; a dump of a thousand clusters begins to come within one second. */
const idleMsMax = 10_000;

/** The body of a 200, as text; rejects with where and what happened instead. */
export async function httpAsk(target: HttpTarget, { method = "GET", path }: HttpRequest): Promise<string> {
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(new Error(`no answer in ${idleMsMax / 1000} s`)), idleMsMax);
  try {
    const way = await wayTo(target);
    return await ask({ ...way, method, path, signal: idle.signal }, () => timer.refresh());
  } catch (error) {
    const cause = idle.signal.aborted ? idle.signal.reason : error;
    throw new Error(`${method} ${path} at ${placeOf(target)}: ${cause instanceof Error ? cause.message : cause}`);
  } finally {
    clearTimeout(timer);
  }
}

function placeOf(target: HttpTarget): string {
  if ("place" in target) return target.place;
  return "socket" in target ? target.socket : `${target.host}:${target.port}`;
}

async function wayTo(target: HttpTarget): Promise<RequestOptions> {
  if ("socket" in target) return { socketPath: target.socket };
  if ("host" in target) return target;
  const stream = await target.connect();
  return { createConnection: () => stream };
}

/** One request; a connection that was made for it ends with it. */
function ask(options: RequestOptions, onData: () => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        onData();
      });
      response.on("error", reject);
      response.on("end", () => {
        if (options.createConnection) call.destroy();
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`status ${response.statusCode}: ${text.slice(0, 200).trim()}`));
      });
    });
    call.on("error", reject);
    call.end();
  });
}
