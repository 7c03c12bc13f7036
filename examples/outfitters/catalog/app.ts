import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { type Blowups, blowupTypes, fateOf, parseBlowup } from "./blowups.ts";
import { firstItems, type Item } from "./items.ts";

export interface CatalogOptions {
  /** Gives every item an `imageUrl`: what makes it version 2. */
  readonly showImage: boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** Takes one line for each request, and one for each fault. */
  readonly log: (line: string) => void;
}

interface Answer {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
}

/** The catalog service: items of the shop, and `/blowup` to break it. */
export function catalogApp({ showImage, random, log }: CatalogOptions): RequestListener {
  const items: Item[] = [...firstItems];
  let blowups: Blowups = {};

  async function answer(request: IncomingMessage, path: string): Promise<Answer> {
    const { method } = request;
    if (path === "/blowup") return blowup(method ?? "", method === "GET" ? undefined : await jsonOf(request));
    if (path === "/items" && method === "GET") return { status: 200, json: items.map(shown) };
    if (path === "/items" && method === "POST") {
      items.push({ ...(Object(await jsonOf(request)) as Omit<Item, "id">), id: items.length + 1 });
      return { status: 201 };
    }
    const item = items.find(({ id }) => path === `/items/${id}`);
    return item && method === "GET" ? { status: 200, json: shown(item) } : { status: 404, text: "Not Found" };
  }

  function blowup(method: string, body: unknown): Answer {
    if (method === "GET") return { status: 200, json: blowups };
    const posted = parseBlowup(body);
    if (!posted) return { status: 400, text: `type must be one of ${blowupTypes.join(", ")}` };
    const { [posted.type]: _, ...others } = blowups;
    blowups = method === "DELETE" ? others : { ...others, [posted.type]: posted };
    log(`${method === "DELETE" ? "deleted blowup" : "blowup"} ${JSON.stringify(posted)}`);
    return { status: 200, text: method === "DELETE" ? `deleted blowup ${posted.type}` : "blowups=[object Object]" };
  }

  function shown(item: Item): Item {
    const imageUrl = `https://picsum.photos/seed/${Math.floor(random() * 1000)}/640/480`;
    return showImage ? { ...item, imageUrl } : item;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://catalog").pathname;
    const fate = path.includes("items") ? fateOf(blowups, random) : { delayMs: 0, end: "served" };
    if (fate.end === "drop") {
      log(`blowup drop: ${path}`);
      request.socket.destroy();
      return;
    }
    if (fate.delayMs > 0) await pause(fate.delayMs);
    if (fate.end === "500") log(`blowup 500: ${path}`);
    send(response, fate.end === "500" ? { status: 500 } : await answer(request, path));
  }

  return (request, response) => {
    const startMs = performance.now();
    response.on("finish", () => {
      const { method, url, headers } = request;
      const length = response.getHeader("content-length") ?? "-";
      const tookMs = (performance.now() - startMs).toFixed(3);
      log(`${method} ${headers.host} ${url} ${response.statusCode} ${length} - ${tookMs} ms`);
    });
    serve(request, response).catch((error: unknown) => {
      log(`${request.method} ${request.url}: ${error}`);
      if (!response.headersSent) send(response, { status: 400, text: "Bad Request" });
    });
  };
}

async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const body = await text(request);
  return body === "" ? {} : JSON.parse(body);
}

function send(response: ServerResponse, { status, json, text = "" }: Answer): void {
  const body = json === undefined ? text : JSON.stringify(json);
  const type = json === undefined ? "text/plain; charset=utf-8" : "application/json; charset=utf-8";
  const headers = {
    "X-Powered-By": "Express",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-cache",
    Pragma: "no-cache",
    Expires: "-1",
    ...(body === "" ? {} : { "Content-Type": type }),
    "Content-Length": String(Buffer.byteLength(body)),
  };
  response.setHeaders(new Map(Object.entries(headers)));
  response.writeHead(status).end(body);
}
