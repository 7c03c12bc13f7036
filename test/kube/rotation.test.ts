// Certificates of 30 s for three minutes of calls: each is replaced about twelve times.
import { expect, test } from "vitest";
import { call, startLoad, tally } from "../support/http.ts";
import { deliveries } from "../support/kube/deliveries.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";

/** At half of 30 s, give or take a tenth. */
const renewals = 11;

test("certificates of 30 s are renewed under load: no call fails", { timeout: 420_000 }, async () => {
  const mesh = await startKubeMesh({ controllerArgs: ["--certificate-ttl", "30s"] });
  try {
    for (const host of ["webapp", "catalog"]) await mesh.kubectl.apply(JSON.stringify(shortConnections(host)));
    const ipOf = (namespace: string, name: string): Promise<string> =>
      mesh.kubectl("get", "pod", "-n", namespace, "-l", `app=${name}`, "-o", "jsonpath={..podIP}");
    const ips = [
      await ipOf("istio-system", "istio-ingressgateway"),
      await ipOf(shopNamespace, "webapp"),
      await ipOf(shopNamespace, "catalog"),
    ];
    const received = (): Promise<readonly number[]> =>
      Promise.all(ips.map(async (ip) => (await deliveries(ip))["sds_default"] ?? 0));
    const target = { ...mesh.gateway, path: "/api/catalog" };
    await mesh.waitFor(async () => (await call(target)).status === 200, "the shop to answer");
    const before = await received();
    const load = startLoad({ ...target, connections: 1 });
    const serials = new Set<string>();
    for (let renewal = 1; renewal <= renewals; renewal++) {
      await mesh.waitFor(
        async () => (await received()).every((count, i) => count >= (before[i] ?? 0) + renewal),
        `renewal ${renewal} of each certificate`,
        { deadlineMs: 60_000 },
      );
      serials.add(await serialOf(mesh, "webapp"));
    }
    const { replies, broken } = await load.stop();
    expect(broken).toEqual([]);
    expect(tally(replies, ({ status }) => status)).toEqual({ 200: replies.length });
    expect(serials.size).toBe(renewals);
  } finally {
    await mesh.close();
  }
});

/** Of the certificate that a workload's proxy has now. */
async function serialOf(mesh: KubeMesh, workload: string): Promise<string> {
  const table = await mesh.sluice("proxy-config", "secret", `deploy/${workload}`, "-n", shopNamespace);
  const serial = /^default .*?\b([0-9a-f]{32})\b/m.exec(table)?.[1];
  if (serial === undefined) throw new Error(`no serial number in:\n${table}`);
  return serial;
}

/** New connections all the time, so that each certificate is used by callers and by those who are called. */
function shortConnections(host: string): object {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name: host, namespace: shopNamespace },
    spec: { host, trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 10 } } } },
  };
}
