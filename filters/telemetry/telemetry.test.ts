import { fromBinary, toJson } from "@bufbuild/protobuf";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { istioLabels } from "../../controller/model/telemetry.ts";
import type { Host } from "../../sdk/host/index.ts";
import { inspectModule } from "../../sdk/module/inspect.ts";
import {
  answered,
  catalog,
  cluster,
  counted,
  inbound,
  labelsIn,
  labelsOf,
  load,
  metadata,
  module,
  node,
  ofCatalog,
  only,
  own,
  plain,
  router,
  saying,
  toService,
  unknown,
  version,
} from "./test-support/requests.ts";

test("the labels are those that every proxy's bootstrap takes out of a name, in that order", async () => {
  const host = await load();
  host.fetch({}, undefined, { cluster, properties: plain });
  const [name = ""] = host.metrics.names.filter((one) => one.endsWith(";.;istio_requests_total"));
  expect(name.split(";.;").flatMap((part) => part.split("=.=").slice(0, -1))).toEqual(istioLabels);
  const { manifest } = inspectModule(module);
  for (const metric of ["requests_total", "request_duration_milliseconds", "request_bytes", "response_bytes"]) {
    expect(manifest?.metrics.find((one) => one.name === `istio_${metric}`)?.labels).toEqual(istioLabels);
  }
});

describe("at the client", () => {
  const source = { reporter: "source", ...own("source"), source_principal: "unknown" };
  const rest = { destination_principal: "unknown", connection_security_policy: "unknown", ...answered };

  test("the destination is what it says of itself", async () => {
    const labels = labelsOf(await load(), { upstream: saying(catalog) });
    expect(labels).toEqual({ ...source, ...ofCatalog("destination"), ...toService, ...rest });
  });

  test("else what its endpoint's metadata say", async () => {
    const endpoint = {
      ...{ destination_workload: "catalog-v2", destination_workload_namespace: "store", destination_cluster: "west" },
      ...{ destination_canonical_service: "things", destination_canonical_revision: "v2" },
    };
    expect(labelsOf(await load(), {})).toEqual({
      ...{ ...source, ...unknown("destination"), ...endpoint, ...toService, ...rest },
    });
  });

  test("else it is unknown, and its service is what the request asks for", async () => {
    const options = { cluster: { name: "other", metadata: { istio: {} } } };
    const labels = labelsOf(await load(), { request: { host: "catalog:80" }, options });
    const asked = { destination_service: "catalog:80", destination_service_name: "catalog:80" };
    const nowhere = { destination_service_namespace: "unknown" };
    expect(labels).toEqual({ ...source, ...unknown("destination"), ...asked, ...nowhere, ...rest });
  });

  test("certificates name the principals, and the namespace before the peer does", async () => {
    const properties = {
      "upstream.uri_san_peer_certificate": "spiffe://cluster.local/ns/vault/sa/catalog",
      "upstream.uri_san_local_certificate": "spiffe://cluster.local/ns/shop/sa/web",
    };
    expect(labelsOf(await load(), { upstream: saying(catalog), options: { properties } })).toMatchObject({
      source_principal: "spiffe://cluster.local/ns/shop/sa/web",
      destination_principal: "spiffe://cluster.local/ns/vault/sa/catalog",
      destination_workload_namespace: "vault",
      destination_service_namespace: "shop",
      connection_security_policy: "unknown",
    });
  });

  test.each`
    principal                  | namespace
    ${"spiffe://a/ns/vault"}   | ${"vault"}
    ${"spiffe://a/ns/vault/x"} | ${"vault"}
    ${"spiffe://a/ns/"}        | ${"store"}
    ${"spiffe://a/ns//sa/x"}   | ${"store"}
    ${"spiffe://a/sa/x"}       | ${"store"}
  `("the namespace of $principal is $namespace", async ({ principal, namespace }) => {
    const options = { properties: { "upstream.uri_san_peer_certificate": principal } };
    expect(labelsOf(await load(), { upstream: saying(catalog), options })).toMatchObject({
      destination_workload_namespace: namespace,
    });
  });

  test("endpoint metadata of another form say nothing", async () => {
    const options = {
      cluster: { ...cluster, endpoints: [{ address: "10.0.0.7:80", metadata: { istio: { workload: "a;b;c" } } }] },
    };
    expect(labelsOf(await load(), { options })).toMatchObject(unknown("destination"));
  });

  test("clusters are told apart, however many there are", async () => {
    const host = await load({ config: { seriesMax: 2 } });
    const to = (name: string) => ({ metadata: { istio: { services: [{ host: `${name}.test`, name, port: "80" }] } } });
    for (const i of [...Array(1100).keys(), 0, 1])
      host.fetch({}, saying(catalog), { cluster: to(`c${i}`), properties: plain });
    const counts = host.metrics.names
      .filter((one) => one.endsWith("istio_requests_total"))
      .map((name) => [labelsIn(name)["destination_service_name"], host.metrics.counter(name)]);
    expect(Object.fromEntries(counts)).toEqual({ c0: 2, c1: 2, other: 1098 });
  });

  test.each`
    route                    | cluster                 | name
    ${{ name: "allow_any" }} | ${"PassthroughCluster"} | ${"PassthroughCluster"}
    ${{ name: "block_all" }} | ${"any"}                | ${"BlackHoleCluster"}
    ${{ name: "default" }}   | ${"BlackHoleCluster"}   | ${"BlackHoleCluster"}
    ${{ name: "default" }}   | ${"any"}                | ${"example.com"}
    ${null}                  | ${"any"}                | ${"example.com"}
  `("a request by route $route to cluster $cluster goes to $name", async ({ route, cluster, name }) => {
    const fetched = { request: { host: "example.com" }, options: { route, cluster: { name: cluster } } };
    expect(labelsOf(await load(), fetched)).toMatchObject({
      ...{ destination_service: "example.com", destination_service_name: name },
      destination_service_namespace: "unknown",
    });
  });

  test.each`
    what              | first                                         | labels
    ${"no name"}      | ${{ host: "a.b.c" }}                          | ${["a.b.c", "a", "store"]}
    ${"no host"}      | ${{ name: "a" }}                              | ${["web.test", "web.test", "store"]}
    ${"no namespace"} | ${{ host: "a.b.c", name: "x" }}               | ${["a.b.c", "x", "store"]}
    ${"everything"}   | ${{ host: "a.b", name: "x", namespace: "y" }} | ${["a.b", "x", "y"]}
  `("a service with $what is $labels", async ({ first, labels }) => {
    const options = { cluster: { metadata: { istio: { services: [first] } } } };
    const found = labelsOf(await load(), { request: { host: "web.test" }, upstream: saying(catalog), options });
    expect(Object.keys(toService).map((label) => found[label])).toEqual(labels);
  });
});

describe("at the server", () => {
  const destination = {
    reporter: "destination",
    ...own("destination"),
    destination_principal: "unknown",
    ...toService,
  };
  const claiming = (said: string) => ({
    headers: { "x-envoy-peer-metadata": said, "x-envoy-peer-metadata-id": "c-1" },
  });

  test("the source is what it says of itself", async () => {
    expect(labelsOf(await load(inbound), { request: claiming(catalog) })).toEqual({
      ...{ ...destination, ...ofCatalog("source"), source_principal: "unknown", ...answered },
      connection_security_policy: "none",
    });
  });

  test("without metadata it is unknown, and the service is the workload's own", async () => {
    const options = { cluster: { name: "inbound|8080||" } };
    expect(labelsOf(await load(inbound), { request: { host: "evil.test" }, options })).toEqual({
      ...{ ...destination, ...unknown("source"), source_principal: "unknown", ...answered },
      ...{ destination_service: "web", destination_service_name: "web", connection_security_policy: "none" },
    });
  });

  test("what comes through to a port without a service has Istio's name for it", async () => {
    const options = { cluster: { name: "InboundPassthroughCluster" } };
    expect(labelsOf(await load(inbound), { options })).toMatchObject({
      ...{ destination_service: "web", destination_service_name: "InboundPassthroughCluster" },
    });
  });

  test("mutual TLS names both ends", async () => {
    const peer = "spiffe://cluster.local/ns/vault/sa/catalog";
    const tls = { uriSanPeer: peer, uriSanLocal: "spiffe://cluster.local/ns/shop/sa/web" };
    expect(
      labelsOf(await load(inbound), { request: claiming(catalog), options: { connection: { tls } } }),
    ).toMatchObject({
      ...{ source_principal: peer, source_workload_namespace: "vault" },
      ...{ destination_principal: tls.uriSanLocal, connection_security_policy: "mutual_tls" },
    });
  });

  test("TLS without the peer's certificate is no mutual TLS", async () => {
    const connection = { tls: { uriSanLocal: "spiffe://cluster.local/ns/shop/sa/web" } };
    const { connection_security_policy, source_principal } = labelsOf(await load(inbound), { options: { connection } });
    expect([connection_security_policy, source_principal]).toEqual(["none", "unknown"]);
  });
});

test("a gateway reports as a source, and does not take a service's name from callers", async () => {
  const labels = labelsOf(await load({ node: router, ...inbound }), { options: { cluster: { name: "other" } } });
  expect(labels).toMatchObject({ reporter: "source", source_workload: "web", destination_service: "unknown" });
});

describe("the exchange", () => {
  const names = ["x-envoy-peer-metadata-id", "x-envoy-peer-metadata"];
  const claimed = { "x-envoy-peer-metadata-id": "me", "x-envoy-peer-metadata": catalog };
  const external = { metadata: { istio: { ...cluster.metadata.istio, external: true } } };

  test.each`
    proxy                                  | caller     | cluster                           | upstream  | answer
    ${"a client's sidecar"}                | ${claimed} | ${cluster}                        | ${"ours"} | ${"none"}
    ${"a client's sidecar, to the world"}  | ${claimed} | ${external}                       | ${"none"} | ${"none"}
    ${"a client's sidecar, to an address"} | ${claimed} | ${{ name: "PassthroughCluster" }} | ${"none"} | ${"none"}
    ${"a gateway"}                         | ${claimed} | ${cluster}                        | ${"ours"} | ${"none"}
    ${"a gateway, to the world"}           | ${claimed} | ${external}                       | ${"none"} | ${"none"}
    ${"a server's sidecar"}                | ${claimed} | ${cluster}                        | ${"none"} | ${"ours"}
    ${"a server's sidecar, asked by none"} | ${{}}      | ${cluster}                        | ${"none"} | ${"none"}
  `("of $proxy: upstream sees $upstream, the caller sees $answer", async ({ proxy, caller, cluster, ...row }) => {
    const isGateway = proxy.includes("gateway");
    const host = await load({ node: isGateway ? router : node, ...(proxy.includes("server") ? inbound : {}) });
    const ours = [node.id, expect.stringMatching(/^[A-Za-z0-9+/]+=*$/)];
    if (isGateway) ours[0] = router.id;
    const expected = { ours, none: [undefined, undefined] };
    const seen: unknown[] = [];
    const reply = host.fetch(
      { headers: caller },
      ({ headers, number }) => {
        seen.push(names.map((name) => headers.get(name)));
        return { status: number === 1 ? 503 : 200, headers: claimed };
      },
      { cluster, properties: plain, route: { retryOn: "5xx", attempts: 1 } },
    );
    expect(seen).toEqual([expected[row.upstream as "ours"], expected[row.upstream as "ours"]]);
    expect(names.map((name) => reply.headers.get(name))).toEqual(expected[row.answer as "ours"]);
  });

  test.each(names)("%s alone, without the other one, does not come back from an application either", async (name) => {
    const headers = { [name]: "alone" };
    const reply = (await load()).fetch({}, () => ({ status: 200, headers }), { cluster, properties: plain });
    expect(names.map((one) => reply.headers.get(one))).toEqual([undefined, undefined]);
  });

  test("what an external service says of itself is not believed", async () => {
    const labels = labelsOf(await load(), { upstream: saying(catalog), options: { cluster: external } });
    expect(labels["destination_workload"]).toBe("unknown");
  });

  test("our metadata are those that Istio's proxies send, sorted, in every load the same", async () => {
    const locality = { region: "r1", zone: "z1" };
    const qualified = { "app.kubernetes.io/name": "webapp", "app.kubernetes.io/version": "v3" };
    const named = { ...node, locality, metadata: { ...metadata, LABELS: { ...metadata.LABELS, ...qualified } } };
    const sent = await Promise.all(
      [0, 1].map(async () => {
        let seen = "";
        (await load({ node: named })).fetch(
          {},
          ({ headers }) => {
            seen = headers.get("x-envoy-peer-metadata") ?? "";
            return { status: 200 };
          },
          { cluster, properties: plain },
        );
        return seen;
      }),
    );
    expect(sent[0]).toBe(sent[1]);
    const said = toJson(StructSchema, fromBinary(StructSchema, Buffer.from(sent[0] ?? "", "base64")));
    const expected = {
      ...{ AVAILABILITY_ZONE: "z1", CLUSTER_ID: "Kubernetes" },
      LABELS: { app: "webapp", ...version, version: "v3" },
      ...{ NAME: "web-1", NAMESPACE: "shop", OWNER: metadata.OWNER, REGION: "r1", WORKLOAD_NAME: "web" },
    };
    expect(JSON.stringify(said)).toBe(JSON.stringify(expected));
  });
});

describe("the outcome", () => {
  const grpc = { method: "POST", headers: { "content-type": "application/grpc+proto" } };
  test.each`
    what                          | fetched                                                                                          | labels
    ${"an error of the upstream"} | ${{ upstream: () => ({ status: 500 }) }}                                                         | ${["http", "500", "", "-"]}
    ${"no route"}                 | ${{ options: { route: null } }}                                                                  | ${["http", "404", "", "NR"]}
    ${"no endpoint"}              | ${{ options: { cluster: { ...cluster, endpoints: [] } } }}                                       | ${["http", "503", "", "UH"]}
    ${"a reset after retries"}    | ${{ upstream: () => ({ reset: "connection-failure" }), options: { route: { retryOn: "5xx" } } }} | ${["http", "503", "", "URX,UF"]}
    ${"a timeout"}                | ${{ upstream: () => ({ status: 200, after: "2s" }), options: { route: { timeoutMs: 1000 } } }}   | ${["http", "504", "", "UT"]}
    ${"gRPC that failed"}         | ${{ request: grpc, upstream: () => ({ status: 200, headers: { "grpc-status": "7" } }) }}         | ${["grpc", "200", "7", "-"]}
    ${"gRPC without an answer"}   | ${{ request: grpc, options: { route: null } }}                                                   | ${["grpc", "200", "12", "NR"]}
    ${"something like gRPC"}      | ${{ request: { headers: { "content-type": "application/grpc-web" } } }}                          | ${["http", "200", "", "-"]}
  `("of $what is $labels", async ({ fetched, labels }) => {
    const found = labelsOf(await load(), fetched);
    expect(Object.keys(answered).map((label) => found[label])).toEqual(labels);
  });

  test.each`
    bits                | flags
    ${0n}               | ${"-"}
    ${(1n << 30n) - 1n} | ${"IH,OM,NFCF,DI,FI,RL,UAEX,RLSE,RFCF,LH,NR,NC,URX,UH,UT,LR,UR,UF,UC,UO,UMSDR,UPE,DF,DO,UDO,SI,DT,DPE,DR,DC"}
    ${1n << 62n}        | ${"-"}
  `("flags of bits $bits are $flags", async ({ bits, flags }) => {
    const labels = labelsOf(await load(), { options: { properties: { "response.flags": bits } } });
    expect(labels["response_flags"]).toBe(flags);
  });

  test("of a caller who goes away has code 0", async () => {
    const host = await load();
    host.stream({}, { cluster, properties: plain }).disconnect();
    expect(only(host)).toMatchObject({ response_code: "0", response_flags: "DC" });
  });

  test("the duration is in whole milliseconds", async () => {
    const host = await load();
    for (const after of ["7ms", "1999us"] as const)
      host.fetch({}, () => ({ status: 200, after }), { cluster, properties: plain });
    const [name = ""] = host.metrics.names.filter((one) => one.endsWith("istio_request_duration_milliseconds"));
    expect([labelsIn(name), host.metrics.histogram(name)]).toEqual([only(host), [7, 1]]);
  });

  test("bytes are those of headers, body and trailers", async () => {
    const host = await load();
    const headers = { "x-long": "a".repeat(100) };
    host.fetch({ method: "POST", body: "12345", headers }, () => ({ status: 200, body: "1234567" }), {
      ...{ cluster, properties: { ...plain, "request.total_size": 205n, "response.total_size": 77n } },
    });
    for (const [metric, bytes] of [
      ["istio_request_bytes", 205],
      ["istio_response_bytes", 77],
    ] as const) {
      const [name = ""] = host.metrics.names.filter((one) => one.endsWith(metric));
      expect([labelsIn(name), host.metrics.histogram(name)]).toEqual([only(host), [bytes]]);
    }
  });
});

describe("gRPC messages", () => {
  const grpc = { method: "POST", headers: { "content-type": "application/grpc" } };
  const names = ["istio_request_messages_total", "istio_response_messages_total"];
  const messages = (host: Host) =>
    host.metrics.names
      .filter((one) => names.some((name) => one.endsWith(name)))
      .map((one) => host.metrics.counter(one));

  test("are counted with the labels of the peers, as Istio does", async () => {
    const host = await load();
    for (const properties of [counted(1, 3), counted(2, 0)])
      host.fetch(grpc, saying(catalog), { cluster, properties: { ...plain, ...properties } });
    expect(messages(host)).toEqual([3, 3]);
    const { request_protocol, response_code, grpc_response_status, response_flags, ...rest } = only(host);
    const { connection_security_policy, ...peers } = rest;
    for (const name of names) {
      const found = host.metrics.names.find((one) => one.endsWith(name)) ?? "";
      expect(labelsIn(found)).toEqual(peers);
    }
  });

  test.each`
    what                     | request | said
    ${"of what is not gRPC"} | ${{}}   | ${"1,3"}
    ${"where none was seen"} | ${grpc} | ${undefined}
    ${"of a later Envoy"}    | ${grpc} | ${"1"}
  `("are not counted $what", async ({ request, said }) => {
    const host = await load();
    const state = said === undefined ? {} : { "filter_state.envoy.filters.http.grpc_stats": said };
    host.fetch(request, saying(catalog), { cluster, properties: { ...plain, ...state } });
    expect(messages(host)).toEqual([]);
  });
});
