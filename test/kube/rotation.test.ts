// Certificates of 30 s for three minutes of calls, on connections that last and on new ones, and one request that goes on
// all the time: each certificate is replaced about twelve times.
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { expect, test } from "vitest";
import { type Call, call, type Load, startLoad, tally } from "../support/http.ts";
import { deliveries } from "../support/kube/deliveries.ts";
import { repo } from "../support/kube/images.ts";
import { type KubeMesh, shopNamespace, startKubeMesh } from "../support/kube/mesh.ts";

/** At half of 30 s, give or take a tenth. */
const renewals = 11;

test("certificates of 30 s are renewed under load: nothing fails", { timeout: 600_000 }, async () => {
  const mesh = await startKubeMesh({ controllerArgs: ["--certificate-ttl", "30s"] });
  const loads: Load[] = [];
  let stream: Stream | undefined;
  try {
    for (const object of [...streamer(), ...["webapp", "catalog"].map(shortConnections)])
      await mesh.kubectl.apply(JSON.stringify(object));
    await mesh.shop("rollout", "status", "deployment/stream", "--timeout=60s");
    const ipOf = (namespace: string, name: string): Promise<string> =>
      mesh.kubectl("get", "pod", "-n", namespace, "-l", `app=${name}`, "-o", "jsonpath={..podIP}");
    const ips = [
      await ipOf("istio-system", "istio-ingressgateway"),
      await ipOf(shopNamespace, "webapp"),
      await ipOf(shopNamespace, "catalog"),
      await ipOf(shopNamespace, "stream"),
    ];
    const received = (): Promise<readonly number[]> =>
      Promise.all(ips.map(async (ip) => (await deliveries(ip))["sds_default"] ?? 0));
    const shop = { ...mesh.gateway, path: "/api/catalog" };
    const kept = { ...mesh.gateway, headers: { host: streamHost }, path: "/slow/50" }; // leaves the machine to the others
    for (const target of [shop, kept])
      await mesh.waitFor(async () => (await call(target)).status === 200, "the mesh to answer");
    const before = await received();
    loads.push(
      startLoad({ ...shop, connections: 1 }),
      startLoad({ ...shop, connections: 1, keepAlive: false }),
      startLoad({ ...kept, connections: 4 }),
    );
    stream = await openStream({ ...kept, path: "/stream/100000/100" });
    const ofWebapp = async (): Promise<number> => (await received())[1] ?? 0;
    const serials = new Set<string>();
    for (let seen = before[1] ?? 0; serials.size < renewals; ) {
      const renewed = async (): Promise<boolean> => (await ofWebapp()) > seen;
      await mesh.waitFor(renewed, `webapp's certificate after ${serials.size} others`, { deadlineMs: 60_000 });
      seen = await ofWebapp();
      serials.add(await serialOf(mesh, "webapp")); // the same one again where it was renewed while the last was looked at
    }
    await mesh.waitFor(
      async () => (await received()).every((count, i) => count >= (before[i] ?? 0) + renewals),
      `${renewals} renewals of each certificate`,
      { deadlineMs: 60_000 },
    );
    for (const load of loads) {
      const { replies, broken } = await load.stop();
      expect(broken).toEqual([]);
      expect(replies.length).toBeGreaterThan(renewals);
      expect(tally(replies, ({ status }) => status)).toEqual({ 200: replies.length });
    }
    const lines = stream.lines();
    await mesh.waitFor(() => (stream?.lines() ?? 0) > lines, "the stream to go on");
  } finally {
    stream?.close();
    await Promise.all(loads.map((load) => load.stop()));
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

const streamHost = "stream.example.com";

/** A workload behind the gateway whose connections nobody ends: one request goes on through all renewals. */
function streamer(): readonly object[] {
  const [name, namespace] = ["stream", shopNamespace];
  const labels = { app: name };
  const command = ["node", `${repo}/test/support/app.ts`];
  const containers = [{ name, image: "istioinaction/catalog", command, ports: [{ containerPort: 8080 }] }];
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, namespace },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { selector: labels, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "networking.istio.io/v1",
      kind: "VirtualService",
      metadata: { name, namespace },
      spec: {
        hosts: [streamHost],
        gateways: ["outfitters-gateway"],
        http: [{ route: [{ destination: { host: name } }] }],
      },
    },
  ];
}

interface Stream {
  /** How many came, each in its turn; throws where one did not or the stream has ended. */
  lines(): number;
  close(): void;
}

/** Resolves when the reply has begun. */
async function openStream(target: Call): Promise<Stream> {
  const sent = request(target).end();
  const [reply] = (await once(sent, "response")) as [IncomingMessage];
  let text = "";
  let ended: string | undefined;
  reply.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  reply.once("end", () => {
    ended ??= "the stream has ended";
  });
  reply.on("error", ({ message }) => {
    ended ??= message;
  });
  return {
    lines() {
      if (ended !== undefined) throw new Error(ended);
      const whole = text.split("\n").slice(0, -1);
      expect(whole).toEqual(whole.map((_, i) => `line ${i + 1}`));
      return whole.length;
    },
    close: () => void sent.destroy(),
  };
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
