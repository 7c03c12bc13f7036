// Memory of a filter's VM over more requests than a VM sees in days: it must not grow with them. The VM is driven alone, by a
// host that answers each hostcall in the shortest way, since a real one would take hours.
import { filterModule } from "../support/filter-module.ts";
import type { Figure, Measurement } from "./figures.ts";
import { PlainHost } from "./plain-host.ts";

const requests = 10_000_000;

/** By then the filter has all that it keeps. */
const first = 100_000;

/** A retry is admitted after each of these, and given back, since it is not made. */
const isFailing = (id: number): boolean => id % 7 === 0;

const downstream = 1;
const upstream = 2;

export const longRun: Measurement = async () => [
  measured("hello", await hello()),
  measured("retry-budget, with one attempt each", await retryBudget()),
];

async function hello(): Promise<readonly number[]> {
  const host = await PlainHost.start(await filterModule("hello"), {});
  host.call("proxy_on_context_create", downstream, 0);
  host.call("proxy_on_configure", downstream, 0);
  return pagesOver(host, (id) => {
    host.call("proxy_on_context_create", id, downstream);
    host.call("proxy_on_request_headers", id, 5, 1);
    host.call("proxy_on_response_headers", id, 5, 1);
    host.call("proxy_on_log", id);
    host.call("proxy_on_delete", id);
  });
}

async function retryBudget(): Promise<readonly number[]> {
  const host = await PlainHost.start(await filterModule("retry-budget"), {
    "xds\0listener_direction": int64(2n),
    "xds\0cluster_name": "outbound|80||catalog.shop",
    "upstream\0request_attempt_count": int64(1n),
    ":method": "GET",
  });
  for (const [id, role] of [[downstream, ""] as const, [upstream, "upstream"] as const]) {
    host.values.set("plugin_root_id", role);
    host.call("proxy_on_context_create", id, 0);
    host.call("proxy_on_configure", id, 0);
  }
  return pagesOver(host, (id) => request(host, id));
}

/** After the first requests and after all. @param request every other id is one's */
function pagesOver(host: PlainHost, request: (id: number) => void): readonly number[] {
  const pages: number[] = [];
  for (let n = 1; n <= requests; n += 1) {
    request(2 * n + 1);
    if (n === first || n === requests) pages.push(host.pages);
  }
  return pages;
}

function measured(filter: string, samples: readonly number[]): Figure {
  const how = `64 KiB each; after ${first.toLocaleString("en")} requests and after ${requests.toLocaleString("en")}`;
  return { what: `${filter}: pages of its VM`, samples, unit: "", how };
}

/** A request with its one attempt, in the order of Envoy's callbacks. */
function request(host: PlainHost, id: number): void {
  const attempt = id + 1;
  host.nowNs += 1_000_000n;
  host.values.delete("sluice.retry-budget");
  host.values.set(":status", isFailing(id) ? "503" : "200");
  host.call("proxy_on_context_create", id, downstream);
  host.call("proxy_on_context_create", attempt, upstream);
  host.call("proxy_on_request_headers", attempt, 5, 1);
  host.call("proxy_on_response_headers", attempt, 5, 1);
  host.call("proxy_on_response_headers", id, 5, 1);
  host.call("proxy_on_log", id);
  host.call("proxy_on_delete", attempt);
  host.call("proxy_on_delete", id);
}

function int64(value: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes.toString("latin1");
}
