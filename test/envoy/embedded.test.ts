import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { networkFor } from "../../controller/run/interception.ts";
import { isRunning } from "../../controller/run/leftovers.ts";
import type { RunPod } from "../../controller/run/state.ts";
import { type Call, call, type Reply } from "../support/http.ts";
import { runInside } from "../support/inside.ts";
import { startMesh, startMeshIn, type TestMesh } from "../support/mesh.ts";
import { until } from "../support/wait.ts";
import { gatewayTo, workload } from "../support/yaml.ts";

// The two ways of the embedded home: pods in network namespaces, with all of their traffic led through their Envoys, and
// pods on addresses of loopback, whose applications are told which ports to take. Where this machine can't do the first
// (it takes Linux and root), only the second is tested.

const { network, line } = await networkFor("auto");
network?.close();

const files = {
  "catalog.yaml": workload("catalog"),
  "webapp.yaml": workload("webapp"),
  "gateway.yaml": gatewayTo("webapp"),
};
const strict = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec:
  mtls: {mode: STRICT}
`;

/** A name outside of Kubernetes that leads to catalog. */
const entry = `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec:
  hosts: [api.example.com]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]
  workloadSelector: {labels: {app: catalog}}
`;

/** What the application answers: whom it sees, and what it was sent. */
interface Seen {
  readonly pod: string;
  readonly peer: string;
  readonly headers: Readonly<Record<string, string>>;
}

const seen = ({ body }: Reply): Seen => JSON.parse(body) as Seen;

const fails = (attempt: Promise<unknown>): Promise<boolean> =>
  attempt.then(
    () => false,
    () => true,
  );

async function serving(mesh: TestMesh): Promise<Call> {
  const gateway = { ...(await mesh.gateway()), path: "/items" };
  await mesh.waitFor(async () => (await call(gateway)).status === 200, "the gateway to serve");
  return gateway;
}

describe.each(network ? (["redirect", "none"] as const) : (["none"] as const))("--interception=%s", (way) => {
  let mesh: TestMesh;
  let gateway: Call;
  /** As webapp's application calls. */
  let inside: Call;

  beforeAll(async () => {
    mesh = await startMesh(files, { SLUICE_INTERCEPTION: way });
    gateway = await serving(mesh);
    inside = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.shop/items" };
    await mesh.waitFor(async () => (await call(inside)).status === 200, "webapp to reach catalog");
  });
  afterAll(() => mesh?.stop());

  /** Calls the address of catalog's pod from this machine, without TLS, as no proxy would. */
  async function plaintext(): Promise<Reply> {
    return call({ host: (await mesh.pod("catalog")).ip, port: 8080, path: "/items" });
  }

  test("says which way it is", () => {
    expect(mesh.output()).toContain(
      way === "redirect" ? "traffic is intercepted" : "no interception: none was asked for; ports are explicit",
    );
  });

  test("a call of one application to another is mutual TLS between their service accounts", async () => {
    const { pod, headers } = seen(await call(inside));
    expect(pod).toBe((await mesh.pod("catalog")).name);
    const account = "spiffe://cluster.local/ns/shop/sa/default";
    expect(headers["x-forwarded-client-cert"]).toMatch(new RegExp(`^By=${account};.*;URI=${account}$`));
  });

  test("a call from outside enters by the gateway, which has an identity of its own", async () => {
    expect(seen(await call(gateway)).headers["x-forwarded-client-cert"]).toContain(
      "URI=spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account",
    );
  });

  test("plaintext is served until mutual TLS is asked for, and then refused", async () => {
    const before = await plaintext();
    expect(before.status).toBe(200);
    expect(seen(before).headers["x-forwarded-client-cert"]).toBeUndefined();
    await mesh.apply("strict.yaml", strict);
    await mesh.waitFor(() => fails(plaintext()), "plaintext to be refused");
    expect((await call(inside)).status).toBe(200);
    expect((await call(gateway)).status).toBe(200);
    await mesh.remove("strict.yaml");
    await mesh.waitFor(async () => (await plaintext()).status === 200, "plaintext to be served again");
  });

  test("what runs in a pod calls as its application does", async () => {
    const body = await runInside(await mesh.pod("webapp"), "curl", "--silent", "http://catalog.shop/items");
    expect((JSON.parse(body) as Seen).headers["x-forwarded-client-cert"]).toContain(
      "URI=spiffe://cluster.local/ns/shop",
    );
  });
});

describe.skipIf(!network)("where traffic is intercepted", () => {
  let mesh: TestMesh;
  beforeAll(async () => {
    mesh = await startMesh(files, { SLUICE_INTERCEPTION: "redirect" });
    await serving(mesh);
  });
  afterAll(() => mesh?.stop());

  const inWebapp = async (...argv: readonly string[]): Promise<string> => runInside(await mesh.pod("webapp"), ...argv);

  test("an application listens on its own port, is called by its Envoy alone, and knows of no proxy", async () => {
    const { ip, appPid, envoyPid } = await mesh.pod("catalog");
    const { peer } = seen(await call({ host: ip, port: 8080, path: "/items" })); // from the host: Envoy takes it all the same
    expect(peer).toMatch(/^(::ffff:)?127\.0\.0\.6$/);
    const environment = readFileSync(`/proc/${appPid}/environ`, "utf8").split("\0");
    expect(environment.filter((variable) => /^(http_proxy|no_proxy|HOST|PORT)=/.test(variable))).toEqual([]);
    expect(readFileSync(`/proc/${envoyPid}/status`, "utf8")).toMatch(/^Uid:\t1337\t1337\t1337\t1337$/m);
  });

  test.each([["catalog"], ["catalog.shop"], ["catalog.shop.svc"], ["catalog.shop.svc.cluster.local"]])(
    "%s is a name that applications can call",
    async (name) => {
      const body = await inWebapp("curl", "--silent", "--fail", `http://${name}/items`);
      expect((JSON.parse(body) as Seen).pod).toBe((await mesh.pod("catalog")).name);
    },
  );

  test("a service that comes later has a name and an address, and loses them with its file", async () => {
    await mesh.apply("late.yaml", workload("late"));
    await mesh.pod("late");
    await mesh.waitFor(async () => (await inWebapp("curl", "--silent", "http://late/items")).includes("late-"), "late");
    await mesh.remove("late.yaml");
    await mesh.waitFor(() => fails(inWebapp("getent", "hosts", "late")), "its name to go");
  });

  test("what speaks no HTTP, has no address of its own, or is no Service, is reached by its name, too", async () => {
    await mesh.apply("raw.yaml", workload("raw").replace("name: http, port: 80", "name: tcp-raw, port: 9000"));
    await mesh.apply("headless.yaml", workload("headless").replace("spec:\n", "spec:\n  clusterIP: None\n"));
    await mesh.apply("entry.yaml", entry);
    const answers = async (url: string, workload: string): Promise<void> => {
      const { name } = await mesh.pod(workload);
      const answer = (): Promise<string> => inWebapp("curl", "--silent", "--fail", "--max-time", "5", url);
      await mesh.waitFor(async () => (JSON.parse(await answer()) as Seen).pod === name, `${url} to answer`);
    };
    await answers("http://raw:9000/items", "raw");
    await answers("http://headless:8080/items", "headless");
    await answers("http://api.example.com/items", "catalog");
    for (const file of ["raw.yaml", "headless.yaml", "entry.yaml"]) await mesh.remove(file);
  });

  test("nothing leaves the machine", async () => {
    const routes = (await inWebapp("ip", "route")).trim().split("\n");
    expect(routes.map((route) => route.split(" ").slice(0, 3).join(" "))).toEqual([
      expect.stringMatching(/^198\.18\.\d+\.0\/24 dev eth0$/),
      "198.19.0.0/16 dev eth0",
    ]);
    await expect(inWebapp("curl", "--silent", "--show-error", "http://192.0.2.1/")).rejects.toThrow(/connect/i);
    await expect(inWebapp("curl", "--silent", "--show-error", "http://nobody.example/")).rejects.toThrow(/resolve/);
  });

  test("what arrives at a pod holds nothing of what was asked, unless it came without TLS", async (context) => {
    const marker = "only-for-catalog-4711";
    const catalog = await mesh.pod("catalog");
    const match = ["-i", "eth0", "-m", "string", "--algo", "bm", "--string", marker];
    const added = runInside(catalog, "iptables", "-t", "mangle", "-A", "PREROUTING", ...match);
    if (await fails(added)) context.skip("this kernel can't look into packets (xt_string)");
    const packets = async (): Promise<number> => {
      const rules = await runInside(catalog, "iptables", "-t", "mangle", "-nvxL", "PREROUTING");
      return Number(/^ *(\d+) .* STRING match/m.exec(rules)?.[1]);
    };
    const path = `/${marker}`;
    const inside = { ...(await mesh.httpProxy("webapp")), path: `http://catalog.shop${path}` };
    expect((await call(inside)).status).toBe(200);
    expect(await packets()).toBe(0);
    expect((await call({ host: catalog.ip, port: 8080, path })).status).toBe(200);
    expect(await packets()).toBeGreaterThan(0);
  });

  test("a readiness probe asks the application, past its Envoy's mutual TLS", async () => {
    const probed = (path: string): string =>
      workload("probed").replace(
        "command:",
        `readinessProbe: {httpGet: {path: ${path}, port: http}}\n        command:`,
      );
    const find = async () => (await mesh.run()).pods.find((pod) => pod.workload === "probed");
    await mesh.apply("strict.yaml", strict);
    await mesh.apply("probed.yaml", probed("/status/503"));
    const pod = await mesh.waitFor(find, "the pod");
    const asked = async (): Promise<number> => {
      const counts = await runInside(pod, "curl", "--silent", "http://127.0.0.1:8080/counts");
      return (JSON.parse(counts) as Record<string, number>)["/status/503"] ?? 0;
    };
    await mesh.waitFor(async () => (await asked()) > 2, "the application to be asked");
    expect((await find())?.ready).toBe(false);
    await mesh.apply("probed.yaml", probed("/items"));
    await mesh.pod("probed");
    await mesh.remove("probed.yaml");
    await mesh.remove("strict.yaml");
  });

  test("two meshes at once are strangers", async () => {
    const other = await startMesh(files, { SLUICE_INTERCEPTION: "redirect" });
    try {
      await serving(other);
      const [mine, theirs] = [await mesh.pod("catalog"), await other.pod("catalog")];
      expect(theirs.ip).not.toBe(mine.ip);
      await expect(inWebapp("ip", "route", "get", theirs.ip)).rejects.toThrow("unreachable");
      expect((await call({ ...(await other.httpProxy("webapp")), path: "http://catalog.shop/theirs" })).status).toBe(
        200,
      );
      const counts = async (pod: RunPod): Promise<object> =>
        JSON.parse(await runInside(pod, "curl", "--silent", "http://127.0.0.1:8080/counts")) as object;
      expect(await counts(theirs)).toHaveProperty(["/theirs"], 1);
      expect(await counts(mine)).not.toHaveProperty(["/theirs"]);
    } finally {
      await other.stop();
    }
  });
});

describe.skipIf(!network)("after a crash of the runner", () => {
  test("nothing is left but files, which the next start clears up", async () => {
    const base = await mkdtemp(join(tmpdir(), "mesh-"));
    const [dir, runDir] = [join(base, "mesh"), join(base, "run")];
    await mkdir(dir);
    for (const [name, yaml] of Object.entries(files)) await writeFile(join(dir, name), yaml);
    const options = { runDir, env: { SLUICE_INTERCEPTION: "redirect" } };
    const first = await startMeshIn(dir, options);
    const { xds, processes, pods } = await first.run();
    const hasAddress = (): boolean =>
      Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === xds.address));
    expect(hasAddress()).toBe(true);
    process.kill(first.pid, "SIGKILL");
    await until(() => !processes.some(isRunning), "all processes to end");
    await until(() => !hasAddress(), "its network to go");
    expect(pods.map(({ namespaces }) => namespaces?.net).filter((net) => net && existsSync(net))).toEqual([]);
    const next = await startMeshIn(dir, options);
    await serving(next);
    expect(await next.stop()).toBe(0);
    expect(existsSync(runDir)).toBe(false);
    await rm(base, { recursive: true });
  });
});

test.skipIf(network)("where it can't be, the reason is told", () => {
  expect(line).toMatch(/^no interception: .+; ports are explicit \(captureMode NONE\)$/);
});
