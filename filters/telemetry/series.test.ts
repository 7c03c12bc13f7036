// The series against a model that keeps all requests, and labels against values of any bytes.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addedLabels, tagged, valueInName, valueOfPeer } from "./test-support/labels.ts";
import { header } from "./test-support/peer-metadata.ts";
import { cluster, counted, countsOf, inbound, load, metadata, node, plain, raisedBy } from "./test-support/requests.ts";

const knowing = { ...node, metadata: { ...metadata, STAT_TAGS: addedLabels.join() } };
const dimensions = { tenant: "request.headers['x-tenant']", app: "request.method" };
const options = { cluster, properties: plain };

describe("the series are those of a model", () => {
  /** A request, as far as it differs from others. */
  interface Asked {
    readonly workload: string;
    readonly namespace: string;
    readonly tenant: string;
    readonly status: number;
  }
  type Set = readonly [workload: string, namespace: string, tenant: string, status: string];
  const other = "other";

  const word = fc.constantFrom("a", "b", "c;.;", "=.=d", ";", "\0", "e\0\0", "\u{1f600}", "unknown", "");
  const asking = (status: fc.Arbitrary<number>) =>
    fc.record({ workload: word, namespace: word, tenant: word.filter((text) => !text.includes("\0")), status });

  /** What is counted, by the labels that differ, and how many requests in the place of others. */
  function model(requests: readonly Asked[], max: number): readonly [counts: Map<string, number>, overflow: number] {
    const counts = new Map<string, number>();
    const kept = new Set<string>();
    let overflow = 0;
    for (const { workload, namespace, tenant, status } of requests) {
      const own: Set = [workload === "" ? "unknown" : workload, namespace, tenant, `${status}`];
      const sets: readonly (readonly [Set, number])[] = [
        [own, max],
        [[other, other, other, `${status}`], max + 256],
        [[other, other, other, other], Number.POSITIVE_INFINITY],
      ];
      const [set] = sets.find(([one, limit]) => kept.has(JSON.stringify(one)) || kept.size < limit) ?? [own];
      kept.add(JSON.stringify(set));
      if (set !== own) overflow += 1;
      const [, ownNamespace, ...rest] = set;
      const labels = JSON.stringify([set[0], valueOfPeer(ownNamespace), ...rest].map(valueInName));
      counts.set(labels, (counts.get(labels) ?? 0) + 1);
    }
    return [counts, overflow];
  }

  /** By the labels that differ; messages have no code. */
  function byLabels(counts: ReadonlyMap<string, number>): Record<string, number> {
    const labels = ["source_workload", "source_workload_namespace", "tenant", "response_code"];
    const all = [...counts].map(([name, count]) => {
      const { labels: found } = tagged(name);
      return [JSON.stringify(labels.map((label) => found[label] ?? "0")), count] as const;
    });
    return Object.fromEntries(all);
  }

  test("messages are kept apart by their peers, also where outcomes make requests too many", async () => {
    const many = fc.array(asking(fc.integer({ min: 200, max: 220 })), { minLength: 20, maxLength: 60, size: "max" });
    const property = fc.asyncProperty(many, fc.integer({ min: 1, max: 9 }), async (requests, max) => {
      const host = await load({ ...inbound, node: knowing, config: { seriesMax: max, metrics: [{ dimensions }] } });
      for (const { workload, namespace, tenant, status } of requests) {
        const said = header({ WORKLOAD_NAME: workload, NAMESPACE: namespace });
        const headers = { "content-type": "application/grpc", "x-envoy-peer-metadata": said, "x-tenant": tenant };
        const to = { ...options, properties: { ...plain, ...counted(1, 0) } };
        host.fetch({ method: "POST", headers }, () => ({ status }), to);
      }
      const [ofRequests, requestsOver] = model(requests, max);
      const [ofMessages, messagesOver] = model(
        requests.map((one) => ({ ...one, status: 0 })),
        max,
      );
      expect(byLabels(countsOf(host))).toEqual(Object.fromEntries(ofRequests));
      expect(byLabels(countsOf(host, "istio_request_messages_total"))).toEqual(Object.fromEntries(ofMessages));
      expect(host.metrics.counter("telemetry_overflow_total") ?? 0).toBe(requestsOver + messagesOver);
    });
    await fc.assert(property, { seed: 13, numRuns: 40 });
  });

  test.each`
    what                                        | max  | status                                | requests      | seed  | runs
    ${"whatever callers say"}                   | ${5} | ${fc.constantFrom(200, 404, 500)}     | ${[0, 40]}    | ${11} | ${60}
    ${"whatever becomes of many requests, too"} | ${3} | ${fc.integer({ min: 200, max: 599 })} | ${[450, 700]} | ${12} | ${6}
  `("$what", async ({ max, status, requests: [minLength, maxLength], seed, runs }) => {
    const many = fc.array(asking(status), { minLength, maxLength, size: "max" });
    const property = fc.asyncProperty(many, async (requests) => {
      const host = await load({ ...inbound, node: knowing, config: { seriesMax: max, metrics: [{ dimensions }] } });
      for (const { workload, namespace, tenant, status } of requests) {
        const said = header({ WORKLOAD_NAME: workload, NAMESPACE: namespace });
        host.fetch({ headers: { "x-envoy-peer-metadata": said, "x-tenant": tenant } }, () => ({ status }), options);
      }
      const found = countsOf(host);
      const [expected, overflow] = model(requests, max);
      expect(byLabels(found)).toEqual(Object.fromEntries(expected));
      expect([...found.values()].reduce((sum, count) => sum + count, 0)).toBe(requests.length);
      expect(host.metrics.counter("telemetry_overflow_total") ?? 0).toBe(overflow);
      expect(found.size).toBeLessThanOrEqual(max + 256 + 1);
    });
    await fc.assert(property, { seed, numRuns: runs });
  });
});

describe("no value forges a label", () => {
  const pieces = [
    ";.;",
    "=.=",
    ";",
    ".",
    "=",
    "\0",
    "\n",
    "\u2028",
    "é",
    "\u{1f600}",
    "\ud83d",
    "reporter",
    "response_code=.=",
  ];
  const text = fc.oneof(
    fc.array(fc.constantFrom(...pieces, "x".repeat(254)), { maxLength: 12 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: "binary-ascii", maxLength: 20 }),
  );
  const said = fc.record({
    ...{ WORKLOAD_NAME: text, NAMESPACE: text, CLUSTER_ID: text },
    LABELS: fc.record({ app: text, version: text, "service.istio.io/canonical-name": text }),
  });
  /** As UTF-8 has it. */
  const wellFormed = (value: string) => value.toWellFormed();

  test("of a caller, nor a header", async () => {
    const host = await load({ ...inbound, node: knowing, config: { seriesMax: 10_000, metrics: [{ dimensions }] } });
    fc.assert(
      fc.property(said, fc.uint8Array({ maxLength: 300 }), (peer, tenant) => {
        const metadata = header(
          JSON.parse(JSON.stringify(peer), (_, value) => (typeof value === "string" ? wellFormed(value) : value)),
        );
        const headers = { "x-envoy-peer-metadata": metadata, "x-tenant": tenant };
        const raised = raisedBy(host, () => host.fetch({ headers }, () => ({ status: 418 }), options));
        const { labels, name } = tagged(raised);
        expect(name).toBe("istio_requests_total");
        expect(labels).toMatchObject({
          ...{
            reporter: "destination",
            response_code: "418",
            response_flags: "-",
            destination_workload: "web",
            app: "GET",
          },
          source_workload: valueOfPeer(wellFormed(peer.WORKLOAD_NAME)),
          source_workload_namespace: valueOfPeer(wellFormed(peer.NAMESPACE)),
          source_cluster: valueOfPeer(wellFormed(peer.CLUSTER_ID)),
          source_app: valueOfPeer(wellFormed(peer.LABELS.app)),
          source_version: valueOfPeer(wellFormed(peer.LABELS.version)),
          source_canonical_service: valueOfPeer(wellFormed(peer.LABELS["service.istio.io/canonical-name"])),
          tenant: valueInName(Buffer.from(tenant).toString()),
        });
      }),
      { seed: 21, numRuns: 300 },
    );
  });
});
