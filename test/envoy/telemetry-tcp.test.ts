import { type ChildProcess, spawn } from "node:child_process";
import { execPath } from "node:process";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { builtModule } from "../support/built-module.ts";
import type { TestEnvoy } from "../support/envoy.ts";
import { networkObstacle, podAddress } from "../support/pod-network.ts";
import { samples } from "../support/prometheus.ts";
import { ports, type RedirectedShop, redirectedShop, shopMesh } from "../support/redirected-shop.ts";

// Istio's TCP metrics of two real sidecars, the caller's and the server's, between which connections are redirected and
// secured: what Prometheus would read is compared label by label, and with the bytes that the two ends have exchanged.

const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`telemetry of TCP is not tested: ${obstacle}`);

const service = "10.96.0.1";
const ids = { web: "spiffe://cluster.local/ns/shop/sa/web", catalog: "spiffe://cluster.local/ns/shop/sa/catalog" };
const application = 1000;
const withoutSidecar = 1337;

/** Sends a text, and ends when the other end does. */
const talk = `
const [host, port, text] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port) }, () => text && socket.write(text));
socket.on("error", () => {}).on("close", () => process.exit()).on("data", (data) => process.stdout.write(data));
process.stdin.on("data", (data) => socket.write(data)).on("end", () => socket.end());`;

type Totals = Readonly<Record<"sent" | "received" | "opened" | "closed", number>>;
const names = {
  sent: "istio_tcp_sent_bytes_total",
  received: "istio_tcp_received_bytes_total",
  opened: "istio_tcp_connections_opened_total",
  closed: "istio_tcp_connections_closed_total",
} as const;

describe.skipIf(obstacle !== undefined)("telemetry of TCP connections", () => {
  let shop: RedirectedShop;
  const open: ChildProcess[] = [];

  beforeAll(async () => {
    shop = await redirectedShop(shopMesh([], await builtModule("telemetry", ["downstream", "upstream", "network"])));
  });
  afterAll(async () => {
    for (const one of open) one.kill("SIGKILL");
    await shop?.stop();
  });

  /** A connection of web that stays until its child is told to end. */
  function connect(host: string, port: number, text: string, uid = application): ChildProcess {
    const argv = [execPath, "-e", talk, "--", host, String(port), text];
    const [program, args] = shop.network.command("outside", argv, uid);
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    open.push(child);
    return child;
  }

  /** One whole connection: it ends when the server has answered. */
  async function exchange(host: string, port: number, text: string, uid = application): Promise<void> {
    const child = connect(host, port, text, uid);
    await new Promise((resolve) => child.once("exit", resolve));
  }

  type Some = Readonly<Record<string, string>>;
  const has = (labels: Some, some: Some): boolean =>
    Object.entries(some).every(([key, value]) => labels[key] === value);

  /** What an Envoy has counted in the series that have these labels. */
  async function totals(of: TestEnvoy, some: Some): Promise<Totals> {
    const sums = await Promise.all(
      Object.entries(names).map(async ([key, name]) => {
        const all = (await samples(of, name)).filter(({ labels }) => has(labels, some));
        return [key, all.reduce((sum, { value }) => sum + value, 0)];
      }),
    );
    return Object.fromEntries(sums);
  }

  async function labelsOf(of: TestEnvoy, some: Some): Promise<Some> {
    const found = (await samples(of, names.closed)).filter(({ labels }) => has(labels, some));
    expect(found).toHaveLength(1);
    return found[0]?.labels ?? {};
  }

  async function counted(of: TestEnvoy, some: Some, wanted: Partial<Totals>): Promise<Totals> {
    let last: Totals | undefined;
    await of.waitFor(
      async () => {
        last = await totals(of, some);
        return Object.entries(wanted).every(([key, value]) => last?.[key as keyof Totals] === value);
      },
      () => `${JSON.stringify(wanted)}, after ${JSON.stringify(last)}`,
    );
    return totals(of, some);
  }

  test("a connection is counted at both ends, with its bytes, and by whom and to whom it was", async () => {
    await exchange(service, ports.echo, "hi there");
    const once = { opened: 1, closed: 1, received: 8, sent: 13 }; // "hi there", "echo hi there"
    const client = { reporter: "source", destination_service_name: "catalog" };
    const server = { reporter: "destination", connection_security_policy: "mutual_tls" };
    expect(await counted(shop.web, client, once)).toEqual(once);
    expect(await counted(shop.catalog, server, once)).toEqual(once);
    const toService = {
      destination_service: "catalog.shop.svc.cluster.local",
      destination_service_name: "catalog",
      destination_service_namespace: "shop",
    };
    const principals = { source_principal: ids.web, destination_principal: ids.catalog };
    const rest = { request_protocol: "tcp", response_flags: "-" };
    expect(await labelsOf(shop.web, client)).toEqual({
      ...{ reporter: "source", ...principals, ...toService, ...rest, connection_security_policy: "unknown" },
      ...{ source_workload: "web", source_workload_namespace: "shop", source_cluster: "Kubernetes" },
      ...{ source_canonical_service: "web", source_canonical_revision: "latest", source_app: "web" },
      ...{
        destination_workload: "catalog-1",
        destination_workload_namespace: "shop",
        destination_cluster: "Kubernetes",
      },
      ...{ destination_canonical_service: "catalog", destination_canonical_revision: "latest" },
      ...{ source_version: "", destination_app: "unknown", destination_version: "unknown" },
    });
    expect(await labelsOf(shop.catalog, server)).toEqual({
      ...{ ...principals, ...toService, ...rest, ...server },
      ...{ destination_service: "catalog-pods.shop.svc.cluster.local", destination_service_name: "catalog-pods" }, // on the same port
      ...{ source_workload: "unknown", source_workload_namespace: "shop", source_cluster: "unknown" }, // by certificate
      ...{ source_canonical_service: "unknown", source_canonical_revision: "latest", source_app: "unknown" },
      ...{ destination_workload: "catalog", destination_workload_namespace: "shop", destination_cluster: "Kubernetes" },
      ...{ destination_canonical_service: "catalog", destination_canonical_revision: "latest" },
      ...{ source_version: "unknown", destination_app: "catalog", destination_version: "" },
    });
  });

  test("one that stays open is counted while it does, also where it leads to no service", async () => {
    const start = "GET / HTTP/1.1\r\n";
    const child = connect(podAddress, ports.http.unknown, start);
    const client = { reporter: "source", destination_service_name: "PassthroughCluster" };
    const server = { reporter: "destination", destination_service_name: "InboundPassthroughCluster" };
    const ends = [[shop.web, client] as const, [shop.catalog, server] as const];
    for (const [envoy, some] of ends) await counted(envoy, some, { opened: 1, closed: 0, received: start.length });
    child.stdin?.write("x: y\r\n");
    for (const [envoy, some] of ends) await counted(envoy, some, { opened: 1, closed: 0, received: start.length + 6 });
    child.stdin?.end();
    for (const [envoy, some] of ends) await counted(envoy, some, { opened: 1, closed: 1, received: start.length + 6 });
  });

  test("a caller without a sidecar is unknown, and its connection in the clear", async () => {
    await exchange(podAddress, ports.banner.permissive, "", withoutSidecar);
    const server = { reporter: "destination", connection_security_policy: "none", destination_service_name: "catalog" };
    await counted(shop.catalog, server, { opened: 1, closed: 1, received: 0, sent: "hello from 9001".length });
    expect(await labelsOf(shop.catalog, server)).toMatchObject({
      ...{ source_principal: "unknown", source_workload: "unknown", source_workload_namespace: "unknown" },
    });
  });

  test("a connection that comes to nothing says so in its flags", async () => {
    await exchange(podAddress, 1, "hi");
    const failed = { reporter: "destination", response_flags: "URX,UF" };
    await counted(shop.catalog, failed, { opened: 1, closed: 1 });
  });
});
