import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";
import { text } from "node:stream/consumers";

/** How long a call to another service may take. */
const timeoutMs = 60_000;

export interface Call {
  readonly method?: "GET" | "POST";
  readonly url: URL;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

/** Calls plain HTTP services; rejects where no whole response comes. */
export type Client = (call: Call) => Promise<Reply>;

/**
 * A client that obeys `http_proxy` and `no_proxy` as curl does: a proxied request goes to the proxy with the whole URL in its
 * first line.
 *
 * @see RFC 9112, section 3.2.2 (absolute-form)
 */
export function client(env: Readonly<Record<string, string | undefined>>): Client {
  const agent = new Agent({ keepAlive: true });
  const proxy = env["http_proxy"] ? new URL(env["http_proxy"]) : undefined;
  return async ({ method = "GET", url, headers, body }) => {
    const via = proxy && !isDirect(url.hostname, env["no_proxy"] ?? "") ? proxy : undefined;
    const call = request({
      agent,
      method,
      host: (via ?? url).hostname,
      port: (via ?? url).port || 80,
      path: via ? url.href : url.pathname + url.search,
      headers: { ...headers, host: url.host },
      signal: AbortSignal.timeout(timeoutMs),
    });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      call.once("response", resolve).once("error", reject).end(body);
    });
    return { status: response.statusCode ?? 0, text: await text(response) };
  };
}

/** Whether `no_proxy`, a list of names and `.suffixes`, or `*`, names the host. */
export function isDirect(host: string, noProxy: string): boolean {
  return noProxy
    .split(",")
    .map((name) => name.trim().replace(/^\./, ""))
    .some((name) => name === "*" || (name !== "" && (host === name || host.endsWith(`.${name}`))));
}
