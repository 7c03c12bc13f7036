import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, RequestListener } from "node:http";
import { text } from "node:stream/consumers";
import type { Item } from "../catalog/items.ts";
import type { Call, Client, Reply } from "./client.ts";
import { isItem, isUser, page } from "./page.ts";

export interface WebappOptions {
  readonly catalog: URL;
  readonly forum: URL;
  readonly call: Client;
  /** Takes one line for each request. */
  readonly log: (line: string) => void;
}

interface Answer {
  readonly status: number;
  readonly type: "text/plain" | "application/json" | "text/html";
  readonly body: string;
}

const catalogFailed: Answer = { status: 500, type: "text/plain", body: "error calling Catalog service" };
const forumFailed: Answer = { status: 500, type: "text/plain", body: "error calling Forum service" };

/** The shop's front. A failure of another service is always this service's own 500, whatever its status was. */
export function webapp({ catalog, forum, call, log }: WebappOptions): RequestListener {
  /** What a service answers, if it is JSON of the expected shape; its status is not looked at. */
  async function fetched<T>(request: Call, is: (value: unknown) => value is T): Promise<T | undefined> {
    const value = await reply(request).then((reply) => reply && parse(reply.text));
    return is(value) ? value : undefined;
  }

  async function reply(request: Call): Promise<Reply | undefined> {
    try {
      return await call(request);
    } catch (error) {
      log(`${request.method ?? "GET"} ${request.url}: ${error}`);
      return undefined;
    }
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    const headers = forwarded(request.headers);
    const { pathname } = new URL(request.url ?? "/", "http://webapp");
    const items = () => fetched({ url: new URL("/items", catalog), headers }, isListOf(isItem));
    const users = () => fetched({ url: new URL("/api/users", forum), headers }, isListOf(isUser));
    const [, id] = /^\/api\/catalog\/items\/([^/]+)$/.exec(pathname) ?? [];
    if (id !== undefined)
      return json(await fetched({ url: new URL(`/items/${id}`, catalog), headers }, isItem), itemOf, catalogFailed);
    switch (pathname) {
      case "/":
        return { status: 200, type: "text/html", body: page({ items: await items(), users: await users() }) };
      case "/api/catalog":
        return json(await items(), (all) => all.map(itemOf), catalogFailed);
      case "/api/catalog/items":
        return create(await text(request), headers);
      case "/api/users":
        return json(await users(), (all) => all, forumFailed);
      case "/api/healthz":
        return { status: 200, type: "text/plain", body: "Healthy!" };
      default:
        return { status: 404, type: "text/plain", body: "Not Found" };
    }
  }

  async function create(body: string, headers: OutgoingHttpHeaders): Promise<Answer> {
    const item = parse(body);
    if (typeof item !== "object" || item === null)
      return { status: 400, type: "text/plain", body: "Invalid CatalogItem" };
    const url = new URL("/items", catalog);
    const created = await reply({
      method: "POST",
      url,
      headers: { ...headers, "content-type": "application/json" },
      body: JSON.stringify(item),
    });
    return created?.status === 201 ? { status: 200, type: "application/json", body: "null" } : catalogFailed;
  }

  return (request, response) => {
    const startMs = performance.now();
    response.on("finish", () => {
      const tookMs = (performance.now() - startMs).toFixed(1);
      log(`${request.method} ${request.url} ${response.statusCode} ${tookMs} ms`);
    });
    answer(request)
      .catch((error: unknown): Answer => {
        log(`${request.method} ${request.url}: ${error}`);
        return { status: 400, type: "text/plain", body: "Bad Request" };
      })
      .then(({ status, type, body }) => {
        response.writeHead(status, {
          "Content-Type": `${type}; charset=utf-8`,
          "Content-Length": Buffer.byteLength(body),
        });
        response.end(body);
      });
  };
}

/** What a request must hand on so that traces, deadlines and identities reach the next service. */
function forwarded(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith("x-") || name === "authorization"),
  );
}

/** The fields that webapp knows, and no others. */
function itemOf({ id, color, department, name, price, imageUrl }: Item): Item {
  return { id, color, department, name, price, ...(imageUrl === undefined ? {} : { imageUrl }) };
}

function json<T>(value: T | undefined, shown: (value: T) => unknown, failed: Answer): Answer {
  return value === undefined ? failed : { status: 200, type: "application/json", body: JSON.stringify(shown(value)) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isListOf<T>(is: (value: unknown) => value is T): (value: unknown) => value is readonly T[] {
  return (value): value is readonly T[] => Array.isArray(value) && value.every(is);
}
