import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { istioFields } from "../../controller/translate/access-log.ts";
import { type Conversation, converse } from "../support/inside.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { networkObstacle } from "../support/pod-network.ts";
import { samples } from "../support/prometheus.ts";
import { echo, workload } from "../support/yaml.ts";

// What Telemetry objects make of TCP connections, at the caller's sidecar and the server's, while no listener changes: the
// access log, and how often what is open is counted.

const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`Telemetry of TCP is not tested: ${obstacle}`);

type Line = Readonly<Record<string, unknown>>;

describe.skipIf(obstacle !== undefined)("Telemetry of TCP connections", () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await startMesh({ "db.yaml": echo("db", [9000, 9001]), "web.yaml": workload("web") });
  });
  afterAll(() => mesh?.stop());

  /** @param spec as a flow mapping */
  const apply = (spec: string): Promise<void> =>
    mesh.apply(
      "telemetry.yaml",
      `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: default, namespace: shop}\nspec: ${spec}\n`,
    );

  async function lines(name: string): Promise<readonly Line[]> {
    const pod = await mesh.pod(name);
    const text = readFileSync(join((await mesh.run()).logs, `envoy-${pod.name}.log`), "utf8");
    return text
      .split("\n")
      .slice(0, -1) // the last may be half written
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line));
  }

  /** A whole connection of web's: it says that, and ends with the answer. */
  async function exchange(port: number, { text = "hi", host = "db" } = {}): Promise<void> {
    const one = converse(await mesh.pod("web"), host, port);
    await one.say(text).catch(() => {});
    one.end();
  }

  /** Makes connections until a proxy has logged one of them anew. */
  async function logged(name: string, is: (line: Line) => boolean, to: Parameters<typeof exchange>): Promise<Line> {
    const before = (await lines(name)).length;
    return mesh.waitFor(async () => {
      await exchange(...to);
      return (await lines(name)).slice(before).find(is);
    }, `a line of ${name}`);
  }

  const changes = (): Promise<number[]> =>
    Promise.all(["web", "db"].map((name) => mesh.stat(name, "listener_manager.lds.update_success")));
  const isOf = (port: number) => (line: Line) => String(line["upstream_host"]).endsWith(`:${port}`);
  const address = expect.stringMatching(/^[\d.]+:\d+$/);

  test("the access log comes on at both ends with Istio's fields, those of requests being null, and nothing of a request is logged twice", async () => {
    const before = await changes();
    await exchange(9001);
    for (const name of ["web", "db"]) {
      const counted = () => samples({ get: (path) => mesh.admin(name, path) }, "istio_tcp_connections_closed_total");
      await mesh.waitFor(async () => (await counted()).length > 0, `${name} to have counted the connection`);
    }
    await apply("{accessLogging: [{}]}");
    const none = { ...Object.fromEntries(Object.keys(istioFields).map((name) => [name, null])), response_code: 0 };
    const fields = {
      ...{ ...none, start_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), response_flags: "-" },
      ...{ bytes_received: 2, bytes_sent: 2, duration: expect.any(Number), upstream_transport_failure_reason: null },
      ...{ upstream_host: address, upstream_local_address: address },
      ...{ downstream_local_address: address, downstream_remote_address: address },
    };
    const cluster = "9000||db.shop.svc.cluster.local";
    expect(await logged("web", isOf(9000), [9000])).toEqual({
      ...{ ...fields, upstream_cluster: `outbound|${cluster}`, requested_server_name: null },
    });
    expect(await logged("db", isOf(9000), [9000])).toEqual({
      ...{ ...fields, upstream_cluster: "inbound|9000||" },
      requested_server_name: "outbound_.9000_._.db.shop.svc.cluster.local", // mutual TLS
    });
    for (const name of ["web", "db"]) expect((await lines(name)).filter(isOf(9001))).toEqual([]); // they would come first
    const text = "GET /items?once HTTP/1.1\r\nhost: web.shop\r\nconnection: close\r\n\r\n";
    await exchange(80, { text, host: "web" });
    await logged("web", isOf(9000), [9000]);
    const ofRequest = (await lines("web")).filter((line) => !isOf(9000)(line));
    expect(ofRequest.map(({ path }) => path)).toEqual(["/items?once", "/items?once"]); // of its caller and of its server
    const counted = await samples({ get: (path) => mesh.admin("web", path) }, "istio_requests_total");
    expect(counted.map(({ labels }) => labels["reporter"]).toSorted()).toEqual(["destination", "source"]);
    expect(await changes()).toEqual(before);
  });

  test("a line has where a connection leads that leads to no service, and why it came to nothing", async () => {
    const { ip: host } = await mesh.pod("db");
    const to = { host, text: "long enough to be no beginning of TLS" };
    const passthrough = await logged("web", isOf(9999), [9999, to]);
    expect(passthrough).toMatchObject({ upstream_cluster: "PassthroughCluster", bytes_sent: 0 });
    const isFailed = (line: Line): boolean => line["response_flags"] !== "-";
    expect(await logged("db", isFailed, [9999, to])).toMatchObject({
      ...{ upstream_cluster: "InboundPassthroughCluster", response_flags: "URX,UF", bytes_sent: 0 },
      upstream_transport_failure_reason: expect.stringContaining("Connection refused"),
    });
  });

  test("lines are of those connections that the filter's expression is true of", async () => {
    await apply("{accessLogging: [{filter: {expression: upstream.port == 9001}}]}");
    await mesh.waitFor(async () => {
      const before = (await lines("db")).length;
      await exchange(9000);
      await logged("db", isOf(9001), [9001]); // behind it
      return !(await lines("db")).slice(before).some(isOf(9000));
    }, "connections to 9000 to have no line any more");
  });

  test("a connection is counted while it is open, as often as its Telemetry says, with labels as at its start", async () => {
    const every = (interval: string, source: string): Promise<void> =>
      apply(
        `{metrics: [{reportingInterval: ${interval}, overrides: [{tagOverrides: {source_app: {value: ${source}}}}]}]}`,
      );
    /** Connections of web's that are counted as opened, and not as closed, with such a value of the label. */
    const openOnes = async (source: RegExp): Promise<number> => {
      const sum = async (what: string): Promise<number> =>
        (await samples({ get: (path) => mesh.admin("web", path) }, `istio_tcp_connections_${what}_total`))
          .filter(({ labels }) => source.test(labels["source_app"] ?? ""))
          .reduce((total, { value }) => total + value, 0);
      return (await sum("opened")) - (await sum("closed"));
    };
    const kept: Conversation[] = [];
    const keep = async (): Promise<void> => {
      const one = converse(await mesh.pod("web"), "db", 9000);
      kept.push(one);
      await one.say("hi");
    };
    const isKnown = async (source: RegExp): Promise<boolean> => {
      await exchange(9000);
      const all = await samples({ get: (path) => mesh.admin("web", path) }, "istio_tcp_connections_closed_total");
      return all.some(({ labels }) => source.test(labels["source_app"] ?? ""));
    };
    await every("24h", "\"'rarely'\"");
    await mesh.waitFor(() => isKnown(/^rarely$/), "the first interval");
    await keep();
    await every("100ms", "source.address");
    await mesh.waitFor(() => isKnown(/^[\d.]+:\d+$/), "the second interval");
    await keep();
    await mesh.waitFor(async () => (await openOnes(/^[\d.]+:\d+$/)) === 1, "the connection that is open");
    expect(await openOnes(/^rarely$/)).toBe(0); // though it has been open for longer
    for (const one of kept) one.end();
  });

  test("the access log goes off with its Telemetry: it has the connections that were counted under it, and no more", async () => {
    const closed = async (source: string): Promise<number> =>
      (await samples({ get: (path) => mesh.admin("web", path) }, "istio_tcp_connections_closed_total"))
        .filter(({ labels }) => labels["source_app"] === source && labels["reporter"] === "source")
        .reduce((total, { value }) => total + value, 0);
    const counted = async (source: string): Promise<void> => {
      const before = await closed(source);
      await mesh.waitFor(async () => {
        await exchange(9000);
        return (await closed(source)) > before;
      }, `a connection of ${source}`);
    };
    const before = (await lines("web")).length;
    const metrics = "metrics: [{overrides: [{tagOverrides: {source_app: {value: \"'logged'\"}}}]}]";
    await apply(`{accessLogging: [{}], ${metrics}}`);
    await counted("logged");
    await mesh.remove("telemetry.yaml");
    await counted("web");
    await apply("{accessLogging: [{}]}");
    await logged("web", isOf(9001), [9001]); // behind all lines that there were to be
    expect((await lines("web")).slice(before).filter(isOf(9000))).toHaveLength(await closed("logged"));
  });

  test("where only known services may be called, a connection to another address has its line, and is counted", async () => {
    const sidecar = "kind: Sidecar\nmetadata: {name: default, namespace: shop}";
    const policy = "outboundTrafficPolicy: {mode: REGISTRY_ONLY}";
    await mesh.apply("sidecar.yaml", `apiVersion: networking.istio.io/v1\n${sidecar}\nspec: {${policy}}\n`);
    await apply("{accessLogging: [{}]}");
    const { ip: host } = await mesh.pod("db");
    const isClosed = (line: Line): boolean => line["upstream_cluster"] === "BlackHoleCluster";
    expect(await logged("web", isClosed, [9999, { host }])).toMatchObject({
      ...{ response_flags: "UH", upstream_host: null, bytes_sent: 0 },
      downstream_local_address: `${host}:9999`,
    });
    const counted = await samples({ get: (path) => mesh.admin("web", path) }, "istio_tcp_connections_closed_total");
    const ofClosed = counted.filter(({ labels }) => labels["destination_service_name"] === "BlackHoleCluster");
    expect(ofClosed.map(({ labels }) => labels)).toEqual([
      expect.objectContaining({
        ...{ reporter: "source", source_app: "web", response_flags: "UH", destination_workload: "unknown" },
        destination_service: "unknown",
      }),
    ]);
    expect(ofClosed[0]?.value).toBeGreaterThan(0);
  });
});
