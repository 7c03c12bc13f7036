import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { istioLabels } from "../../controller/model/telemetry.ts";
import { ConfigRefused, type Host, type UpstreamResponse } from "../../sdk/host/index.ts";
import { header } from "./test-support/peer-metadata.ts";
import {
  answered,
  catalog,
  cluster,
  counted,
  inbound,
  labelsOf,
  load,
  module,
  node,
  ofCatalog,
  plain,
  router,
  saying,
  series,
  unknown,
} from "./test-support/requests.ts";
import "../../sdk/vitest/index.ts";

const options = { cluster, properties: { ...plain, ...counted(1, 3) } };
const from = (said: string | Uint8Array) => ({ headers: { "x-envoy-peer-metadata": said } });
const workload = (name: string) => header({ WORKLOAD_NAME: name });

describe("hostile headers", () => {
  const nested = (depth: number): string => {
    let said: Parameters<typeof header>[0] = { WORKLOAD_NAME: "deep" };
    for (let i = 0; i < depth; i++) said = { LABELS: said };
    return header(said);
  };

  test.each`
    what                | said
    ${"nothing"}        | ${""}
    ${"no base64"}      | ${"%%%"}
    ${"no UTF-8"}       | ${new Uint8Array([0xff, 0xfe, 0x41])}
    ${"one letter"}     | ${"A"}
    ${"no protobuf"}    | ${Buffer.from("no protobuf").toString("base64")}
    ${"half of it"}     | ${catalog.slice(0, 40)}
    ${"60 KiB"}         | ${"A".repeat(61_440)}
    ${"a large struct"} | ${header({ WORKLOAD_NAME: "w".repeat(4000) })}
    ${"structs in it"}  | ${nested(20)}
    ${"no strings"}     | ${header({ WORKLOAD_NAME: 1, NAMESPACE: null, LABELS: ["app"], CLUSTER_ID: { a: true } })}
  `("a caller that says $what is unknown", async ({ said }) => {
    expect(labelsOf(await load(inbound), { request: from(said) })).toMatchObject(unknown("source"));
  });

  test.each(["", "%%%", "A", "no protobuf", catalog.slice(0, 40)])(
    "a destination that says '%s' is known by its endpoint",
    async (said) => {
      expect(labelsOf(await load(), { upstream: saying(said) })["destination_workload"]).toBe("catalog-v2");
    },
  );

  test("metadata without padding are read", async () => {
    const host = await load(inbound);
    expect(labelsOf(host, { request: from(catalog.replace(/=+$/, "")) })).toMatchObject(ofCatalog("source"));
  });

  test("a separator in a value forges no label", async () => {
    const evil = ";.;response_code=.=200;.;reporter=.=source;.";
    const host = await load(inbound);
    const said = header({ WORKLOAD_NAME: evil, NAMESPACE: "a;.", LABELS: { app: ";.;.;", version: "=.=.=" } });
    const labels = labelsOf(host, { request: from(said), upstream: () => ({ status: 500 }) });
    expect(labels).toMatchObject({
      ...{ reporter: "destination", response_code: "500", source_workload: "_response_code_200_reporter_source_" },
      ...{ source_workload_namespace: "a_", source_app: "_.;", source_version: "_.=" },
    });
    const outbound = await load();
    const asked = { request: { host: evil }, options: { cluster: { name: "other" } } };
    expect(labelsOf(outbound, asked)["destination_service"]).toBe("_response_code_200_reporter_source_");
  });

  test("a value is cut at 256 characters", async () => {
    const asked = { request: { host: "h".repeat(61_440) }, options: { cluster: { name: "other" } } };
    expect(labelsOf(await load(), asked)["destination_service"]).toBe("h".repeat(256));
    const said = { request: from(workload("w".repeat(300))) };
    expect(labelsOf(await load(inbound), said)["source_workload"]).toBe("w".repeat(256));
  });

  test("a principal is cut so, too: those that differ behind that are one", async () => {
    const host = await load(inbound);
    const prefix = `spiffe://cluster.local/ns/store/sa/${"a".repeat(300)}`;
    for (const rest of ["", "b", "c".repeat(60_000)]) {
      const peer = { "connection.uri_san_peer_certificate": prefix + rest };
      host.fetch({}, undefined, { cluster, properties: { ...plain, ...peer } });
    }
    const [[labels, requests] = [], ...others] = series(host);
    expect([labels?.["source_principal"], labels?.["source_workload_namespace"]]).toEqual([
      prefix.slice(0, 256),
      "store",
    ]);
    expect([requests, others]).toEqual([3, []]);
  });

  test("metadata with any byte changed, or cut anywhere, do no harm", async () => {
    const host = await load({ ...inbound, config: { seriesMax: 10_000 } });
    const bytes = Buffer.from(catalog, "base64");
    const arrive = (said: Buffer) => {
      const request = from(said.toString("base64"));
      expect(host.fetch(request, undefined, options).status).toBe(200);
    };
    for (let at = 0; at < bytes.length; at++) {
      arrive(bytes.subarray(0, at));
      for (const byte of [0x00, 0x7f, 0x80, 0xff]) arrive(Buffer.from(bytes).fill(byte, at, at + 1));
    }
    for (const [labels] of series(host)) expect(Object.keys(labels)).toEqual(istioLabels);
  });

  test("random bytes do no harm", async () => {
    const host = await load({ ...inbound, config: { seriesMax: 10_000 } });
    const arrive = (said: Uint8Array) => {
      const request = from(Buffer.from(said).toString("base64"));
      expect(host.fetch(request, undefined, options).status).toBe(200);
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), arrive));
  });
});

describe("the number of series", () => {
  const names = (host: Host, label: string) => series(host).map(([labels, requests]) => [labels[label], requests]);

  test("is bounded: beyond it the peer is `other`, and that is counted", async () => {
    const host = await load({ ...inbound, config: { seriesMax: 2 } });
    for (const name of ["a", "b", "c", "d", "a"]) host.fetch(from(workload(name)), undefined, options);
    expect(names(host, "source_workload")).toEqual([
      ["a", 2],
      ["b", 1],
      ["other", 2],
    ]);
    expect(series(host)[2]?.[0]).toMatchObject({
      ...{ reporter: "destination", ...answered, destination_workload: "web", connection_security_policy: "none" },
      ...{ source_principal: "other", source_cluster: "other", source_canonical_revision: "other" },
    });
    expect(host.metrics.counter("telemetry_overflow_total")).toBe(2);
  });

  test("at the client the destination is `other`", async () => {
    const host = await load({ config: { seriesMax: 1 } });
    for (const name of ["a", "b"]) host.fetch({}, saying(workload(name)), options);
    expect(series(host)[1]?.[0]).toMatchObject({
      ...{ source_workload: "web", destination_workload: "other", destination_service: "other" },
      ...{ destination_cluster: "other", ...answered },
    });
  });

  test("is bounded also where outcomes are many", async () => {
    const host = await load({ config: { seriesMax: 10 } });
    for (let status = 200; status < 600; status++) {
      const answer = (): UpstreamResponse => ({
        status,
        ...{ headers: { "x-envoy-peer-metadata": workload(`${status}`) } },
      });
      host.fetch({}, answer, options);
    }
    const outcomes = new Map(series(host).map(([labels, requests]) => [labels["response_code"], requests]));
    expect([outcomes.size, outcomes.get("other")]).toEqual([10 + 256 + 1, 400 - 10 - 256]);
  });

  test("goes on through a trap, and a swap of module and configuration", async () => {
    const host = await load({ failurePolicy: "FAIL_RELOAD", vmId: "telemetry" });
    host.fetch({}, saying(catalog), options);
    host.faults.trap("proxy_on_request_headers", { times: 1 });
    host.fetch({}, saying(catalog), options);
    await host.replace(module, { upstream: true, vmId: "telemetry", config: { seriesMax: 5 } });
    host.fetch({}, saying(catalog), options);
    expect(names(host, "destination_workload")).toEqual([["catalog-v1", 2]]);
  });

  test("workers count together", async () => {
    const host = await load({ workers: 3 });
    for (let worker = 0; worker < 3; worker++) host.fetch({}, undefined, { ...options, worker });
    expect(names(host, "reporter")).toEqual([["source", 3]]);
  });
});

describe("the cost in host calls of a request after the first one", () => {
  const grpc = { method: "POST", headers: { "content-type": "application/grpc" } };
  const rest = { proxy_increment_metric: 1, proxy_record_metric: 3 };
  const headers = (get: number, replace: number, remove: number) => ({
    ...(get && { proxy_get_header_map_value: get }),
    ...(replace && { proxy_replace_header_map_value: replace }),
    ...(remove && { proxy_remove_header_map_value: remove }),
  });
  const server = { ...inbound, node };

  test.each`
    what                             | host                | request          | upstream           | total | calls
    ${"a client's sidecar"}          | ${{}}               | ${{}}            | ${saying(catalog)} | ${21} | ${{ proxy_get_property: 11, ...headers(2, 2, 2) }}
    ${"a client's sidecar, no peer"} | ${{}}               | ${{}}            | ${undefined}       | ${21} | ${{ proxy_get_property: 12, ...headers(2, 2, 1) }}
    ${"a client's sidecar, gRPC"}    | ${{}}               | ${grpc}          | ${saying(catalog)} | ${25} | ${{ proxy_get_property: 13, proxy_increment_metric: 3, ...headers(2, 2, 2) }}
    ${"a gateway"}                   | ${{ node: router }} | ${{}}            | ${saying(catalog)} | ${19} | ${{ proxy_get_property: 9, ...headers(2, 2, 2) }}
    ${"a server's sidecar"}          | ${server}           | ${from(catalog)} | ${undefined}       | ${20} | ${{ proxy_get_property: 10, ...headers(2, 2, 2) }}
    ${"a server's sidecar, no peer"} | ${server}           | ${{}}            | ${undefined}       | ${20} | ${{ proxy_get_property: 10, ...headers(2, 0, 4) }}
  `("$what: $total", async ({ host: hostOptions, request, upstream, total, calls }) => {
    const host = await load(hostOptions);
    for (let i = 0; i < 2; i++) {
      host.hostcalls.reset();
      host.fetch(request, upstream, options);
    }
    expect(host.hostcalls.byName).toEqual({ ...rest, ...calls });
    expect(host.hostcalls.total).toBe(total);
  });

  test("and in memory: what a request brings, what remains of ten thousand, what the module has", async () => {
    const host = await load({});
    const request = () => host.fetch({}, saying(catalog), options);
    request();
    expect(host.measure(request)).toStayWithin({ allocations: 10, allocatedBytes: 640, moduleBytes: 63 * 1024 });
    const many = host.measure(() => {
      for (let i = 0; i < 10_000; i++) request();
    });
    expect(many).toStayWithin({ memoryBytes: 3 * 65_536 });
  });
});

test.each`
  config                   | field
  ${{ seriesMax: 0 }}      | ${"seriesMax"}
  ${{ seriesMax: 10_001 }} | ${"seriesMax"}
  ${{ seriesMax: "many" }} | ${"seriesMax"}
  ${{ labels: [] }}        | ${"labels"}
`("$config is refused, naming $field", async ({ config, field }) => {
  await expect(load({ config })).rejects.toThrow(ConfigRefused);
  await expect(load({ config })).rejects.toThrow(new RegExp(`\\b${field} is `));
});
