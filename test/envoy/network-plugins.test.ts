import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filterFile } from "../support/filter-module.ts";
import { type Conversation, converse } from "../support/inside.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { tcpMarkModule } from "../support/modules.ts";
import { networkObstacle } from "../support/pod-network.ts";
import { echo, wasmPlugin, workload } from "../support/yaml.ts";

// Network plugins, in the sidecars of a caller and of a server that speaks no HTTP: each puts its mark behind what is sent.

const obstacle = networkObstacle();
if (obstacle !== undefined) console.log(`network plugins are not tested: ${obstacle}`);

const withoutSourceApp = `apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: tcp, namespace: shop}
spec:
  metrics:
  - overrides: [{match: {metric: TCP_CLOSED_CONNECTIONS}, tagOverrides: {source_app: {operation: REMOVE}}}]
`;

describe.skipIf(obstacle !== undefined)("network plugins", () => {
  let mesh: TestMesh;
  let url: string;
  const open: Conversation[] = [];

  beforeAll(async () => {
    url = await tcpMarkModule();
    mesh = await startMesh({ "db.yaml": echo("db", [9000, 9001]), "web.yaml": workload("web") });
  });
  afterAll(async () => {
    for (const one of open) one.end();
    await mesh?.stop();
  });

  async function connection(port = 9000): Promise<Conversation> {
    const one = converse(await mesh.pod("web"), "db", port);
    open.push(one);
    return one;
  }

  /** What a new connection answers to `hi`. */
  async function answer(port = 9000): Promise<string> {
    const one = await connection(port);
    const text = await one.say("hi").catch(() => "closed");
    one.end();
    return text;
  }

  const marks = (wanted: string, port = 9000): Promise<boolean> =>
    mesh.waitFor(async () => (await answer(port)) === wanted, `new connections to answer ${wanted}`);

  const apply = (name: string, mark: string, spec: Readonly<Record<string, unknown>> = {}): Promise<void> =>
    mesh.apply(`${name}.yaml`, wasmPlugin({ name, url, config: { mark }, spec: { type: "NETWORK", ...spec } }));

  const statusText = async (name: string): Promise<string> => JSON.stringify(await mesh.plugin(`shop/${name}`));

  test("attached, changed and detached under open connections: none is closed, each keeps what it began with", async () => {
    await marks("hi");
    const kept: [Conversation, string][] = [[await connection(), "still"]];
    await kept[0]?.[0].say("still");
    const changes = async (): Promise<number[]> =>
      Promise.all(["web", "db"].map((name) => mesh.stat(name, "listener_manager.listener_modified")));
    const before = await changes();
    for (const mark of ["1", "2", "3"]) {
      await apply("mark", mark);
      await marks(`hi${mark}${mark}`); // the caller's sidecar and the server's
      const one = await connection();
      expect(await one.say("still")).toBe(`still${mark}${mark}`);
      kept.push([one, `still${mark}${mark}`]);
    }
    await mesh.remove("mark.yaml");
    await marks("hi");
    for (const [one, said] of kept) expect(await one.say("still")).toBe(said);
    expect(await changes()).toEqual(before);
  });

  test("phases give the order, ports choose", async () => {
    await apply("first", "1", { phase: "AUTHN", match: [{ mode: "CLIENT", ports: [{ number: 9000 }] }] });
    await apply("second", "2", { phase: "STATS", match: [{ mode: "CLIENT" }] });
    await marks("hi12");
    await marks("hi2", 9001);
    await apply("first", "1", { match: [{ mode: "CLIENT", ports: [{ number: 9000 }] }] });
    await marks("hi21");
    await apply("first", "1", { phase: "STATS", match: [{ mode: "CLIENT" }] });
    await marks("closed"); // neither may be passed by
    await mesh.waitFor(
      async () => (await statusText("second")).includes("as WasmPlugin shop/first is"),
      "the second to be told that there is one place",
    );
    await apply("second", "2", { phase: "STATS", match: [{ mode: "CLIENT" }], failStrategy: "FAIL_OPEN" });
    await marks("hi1");
    await mesh.remove("first.yaml");
    await marks("hi2");
    await mesh.remove("second.yaml");
    await marks("hi");
  });

  test("a refused configuration leaves the last good one; a trap closes its connection, and the filter comes back", async () => {
    await apply("mark", "1", { match: [{ mode: "SERVER" }] });
    await marks("hi1");
    const spec = { type: "NETWORK", match: [{ mode: "SERVER" }] };
    await mesh.apply("mark.yaml", wasmPlugin({ name: "mark", url, config: { refuse: true }, spec }));
    await mesh.waitFor(
      async () => (await statusText("mark")).includes("refuse is true: this module refuses on demand"),
      "the refusal in its status",
    );
    expect(await answer()).toBe("hi1");
    await expect((await connection()).say("trap")).rejects.toThrow("ended");
    await marks("hi1");
    await mesh.remove("mark.yaml");
    await marks("hi");
  });

  test("telemetry counts connections without being asked for", async () => {
    for (const [name, reporter] of [
      ["web", "source"],
      ["db", "destination"],
    ] as const) {
      const opened = new RegExp(
        `^istio_tcp_connections_opened_total\\{.*reporter="${reporter}".*destination_workload="db"`,
        "m",
      );
      await mesh.waitFor(
        async () => opened.test(await mesh.admin(name, "/stats/prometheus?usedonly")),
        `${name}'s counter`,
      );
    }
  });

  test("a connection that is open while telemetry's settings change is counted to its end", async () => {
    /** Connections that web's sidecar has counted as closed, with or without the label `source_app`. */
    const closed = async (isLabelled: boolean): Promise<number> => {
      const lines = (await mesh.admin("web", "/stats/prometheus?usedonly")).split("\n");
      const own = lines.filter((line) => line.startsWith("istio_tcp_connections_closed_total{"));
      return own
        .filter((line) => line.includes('source_app="') === isLabelled)
        .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    };
    const one = await connection();
    expect(await one.say("hi")).toBe("hi");
    await mesh.apply("telemetry.yaml", withoutSourceApp);
    await mesh.waitFor(async () => {
      await answer();
      return (await closed(false)) > 0;
    }, "new connections to be counted without the label");
    const before = await closed(true);
    expect(await one.say("hi")).toBe("hi");
    one.end();
    await mesh.waitFor(async () => (await closed(true)) === before + 1, "the end of the open one, with the label");
    await mesh.remove("telemetry.yaml");
  });

  test("tcp-logger counts and logs", async () => {
    const file = pathToFileURL(await filterFile("tcp-logger")).href;
    const spec = { type: "NETWORK", match: [{ mode: "SERVER" }] };
    await mesh.apply("log.yaml", wasmPlugin({ name: "log", url: file, app: "db", spec }));
    await mesh.waitFor(async () => (await statusText("log")).includes("live on 1 of 1 proxy"), "it to be programmed");
    expect(await answer()).toBe("hi");
    await mesh.waitFor(
      async () => (await mesh.stat("db", "wasmcustom.tcp_logger_received_bytes_total")) === 2,
      "two bytes to be counted",
    );
  });
});
