import { describe, expect, test } from "vitest";
import { ConfigRefused, type Host, type PropertyValue, type StreamOptions } from "../../sdk/host/index.ts";
import {
  catalog,
  cluster,
  counted,
  inbound,
  labelsIn,
  load,
  metadata,
  node,
  noMoreTicks,
  plain,
} from "./test-support/requests.ts";

// The messages of gRPC calls that stay open: they are counted every 5 s, as Istio does it.

const names = { requests: "istio_request_messages_total", responses: "istio_response_messages_total" } as const;
const request = { method: "POST", headers: { "content-type": "application/grpc" }, endStream: false } as const;
const service = { cluster, properties: plain };

interface Opened {
  readonly authority?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly to?: Pick<StreamOptions, "cluster" | "properties">;
  readonly worker?: number;
}

/** A call that is open; what Envoy says of it can be changed. */
function open(host: Host, { authority = "catalog.shop", headers = {}, to = service, worker = 0 }: Opened = {}) {
  const properties: Record<string, PropertyValue | undefined> = { ...to.properties };
  const stream = host.stream(
    { ...request, host: authority, headers: { ...request.headers, ...headers } },
    { ...to, properties, worker },
  );
  return {
    /** That is what grpc_stats has counted so far. */
    seen: (requests: number, responses: number) => Object.assign(properties, counted(requests, responses)),
    respond: (headers: Readonly<Record<string, string>> = {}) =>
      stream.attempt()?.respond({ status: 200, headers, endStream: false }),
    end: () => stream.disconnect(),
  };
}

/** Requests and responses for each set of labels, by some of the labels. */
function counts(host: Host, ...labels: string[]): readonly unknown[] {
  const sets = new Set(
    Object.values(names).flatMap((name) =>
      host.metrics.names.filter((one) => one.endsWith(name)).map((one) => one.slice(0, -name.length)),
    ),
  );
  return [...sets].map((set) => {
    const found = labelsIn(set);
    return [
      ...labels.map((label) => found[label]),
      ...Object.values(names).map((name) => host.metrics.counter(set + name) ?? 0),
    ];
  });
}

describe("an open call", () => {
  test("at the client is counted from its response's headers on, in the series in which the rest counts at its end", async () => {
    const host = await load();
    const call = open(host);
    call.seen(2, 0);
    host.advance("5s");
    expect(counts(host)).toEqual([]);
    call.respond({ "x-envoy-peer-metadata": catalog });
    host.advance("5s");
    expect(counts(host, "destination_workload")).toEqual([["catalog-v1", 2, 0]]);
    call.seen(3, 2_000);
    host.advance("5s");
    host.advance("5s");
    expect(counts(host)).toEqual([[3, 2_000]]);
    call.seen(3, 2_001);
    call.end();
    expect(counts(host)).toEqual([[3, 2_001]]);
  });

  test("at the server is counted before anything is answered", async () => {
    const host = await load(inbound);
    const call = open(host, { headers: { "x-envoy-peer-metadata": catalog } });
    call.seen(1, 0);
    host.advance("5s");
    expect(counts(host, "source_workload")).toEqual([["catalog-v1", 1, 0]]);
    call.respond();
    call.seen(1, 1);
    call.end();
    expect(counts(host)).toEqual([[1, 1]]);
  });

  test("that a plugin still holds, so that nobody knows where it leads, is not", async () => {
    const host = await load(inbound);
    const call = open(host, { to: { cluster, properties: { ...plain, "upstream.address": undefined } } });
    call.seen(1, 0);
    host.advance("5s");
    expect(counts(host)).toEqual([]);
  });

  test("of no service is counted at its end only, under the host that it asks for", async () => {
    const host = await load();
    const to = { cluster: { name: "PassthroughCluster" }, properties: plain };
    const call = open(host, { authority: "api.test", to });
    call.respond();
    call.seen(1, 1);
    host.advance("5s");
    expect(counts(host)).toEqual([]);
    call.end();
    expect(counts(host, "destination_service")).toEqual([["api.test", 1, 1]]);
  });

  test("has labels by expressions as they are at its start", async () => {
    const dimensions = { request_method: "request.method", tenant: "request.path + '!'", source_app: "response.code" };
    const statTags = { ...node, metadata: { ...metadata, STAT_TAGS: "tenant" } };
    const host = await load({ ...inbound, node: statTags, config: { metrics: [{ dimensions }] } });
    const call = open(host);
    call.seen(1, 0);
    host.advance("5s");
    call.respond();
    call.seen(2, 1);
    call.end();
    const [name = ""] = host.metrics.names.filter((one) => one.endsWith(names.requests));
    expect(name).toContain(";.;tenant=.=/!;.;");
    expect(name).not.toContain("request_method"); // which this proxy does not know
    expect(counts(host, "source_app")).toEqual([["unknown", 2, 1]]);
  });

  test("has none of what is known at the end only, which one has that ends before it is counted", async () => {
    const host = await load({ ...inbound, config: { metrics: [{ dimensions: { source_app: "request.duration" } }] } });
    for (const [millis, responses] of [
      [6_000, 1],
      [300, 2],
    ] as const) {
      const call = open(host);
      call.seen(1, responses);
      host.advance(`${millis}ms`);
      call.end();
    }
    expect(counts(host, "source_app")).toEqual([
      ["300", 1, 2],
      ["unknown", 1, 1],
    ]);
  });

  test.each(["1", ""])("is not counted by a state such as '%s'", async (state) => {
    const host = await load(inbound);
    open(host, { to: { cluster, properties: { ...plain, "filter_state.envoy.filters.http.grpc_stats": state } } });
    host.advance("5s");
    expect(
      counts(host)
        .flat()
        .every((count) => count === 0),
    ).toBe(true);
  });
});

describe("ticks", () => {
  test("come while calls are open, and end with the last of them", async () => {
    const host = await load({ ...inbound, workers: 2 });
    const calls = [0, 1, 0, 1, 0].map((worker) => open(host, { worker }));
    for (const call of calls) call.seen(1, 0);
    host.advance("5s");
    expect(counts(host)).toEqual([[5, 0]]);
    for (const at of [2, 0, 4, 1, 3]) {
      calls[at]?.seen(1, 1);
      calls[at]?.end();
      if (at !== 3) host.advance("5s");
    }
    expect(counts(host)).toEqual([[5, 5]]);
    expect(host.hostcalls.trace(() => host.advance("60s"))).toEqual([noMoreTicks]);
    open(host).seen(1, 0);
    host.advance("5s");
    expect(counts(host)).toEqual([[6, 5]]);
  });

  test.each`
    what                                | config                           | type
    ${"of what is not gRPC"}            | ${{}}                            | ${"text/plain"}
    ${"whose messages are not counted"} | ${{ metrics: [{ drop: true }] }} | ${"application/grpc"}
  `("there are none for a request $what", async ({ config, type }) => {
    const host = await load({ ...inbound, config });
    host.stream({ ...request, headers: { "content-type": type } }, service);
    host.hostcalls.reset();
    host.advance("60s");
    expect(host.hostcalls.total).toBe(0);
  });

  test("come as often as the configuration says", async () => {
    const host = await load({ ...inbound, config: { tcp_reporting_duration: "250ms" } });
    const call = open(host);
    call.seen(1, 0);
    host.advance("250ms");
    call.seen(2, 0);
    host.advance("249ms");
    expect(counts(host)).toEqual([[1, 0]]);
    host.advance("1ms");
    expect(counts(host)).toEqual([[2, 0]]);
  });

  test("cost two host calls for each call, and one for each direction that has moved", async () => {
    const host = await load(inbound);
    const [call] = [open(host), open(host)];
    for (const requests of [1, 2]) {
      call?.seen(requests, 0);
      host.hostcalls.reset();
      host.advance("5s");
    }
    expect(host.hostcalls.byName).toEqual({
      proxy_set_effective_context: 2,
      proxy_get_property: 2,
      proxy_increment_metric: 1,
    });
  });
});

test.each(["0ms", "25h", "5", "soon"])("an interval of %s is refused, naming it", async (duration) => {
  const config = { tcp_reporting_duration: duration };
  await expect(load({ config })).rejects.toThrow(ConfigRefused);
  await expect(load({ config })).rejects.toThrow(/\btcp_reporting_duration is /);
});
