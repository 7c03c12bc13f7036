import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, type Load, type Reply, startLoad, type Target, tally } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { markModule } from "../support/modules.ts";
import { until } from "../support/wait.ts";
import { wasmPlugin, workload } from "../support/yaml.ts";

// Promise 1: a swap is invisible. Load runs through webapp's sidecar to catalog's; the plugin stands in both, outbound
// and inbound, and each adds its mark to the response.

let mesh: TestMesh;
let target: Target & { readonly path: string };

beforeAll(async () => {
  mesh = await startMesh({ "catalog.yaml": workload("catalog"), "webapp.yaml": workload("webapp") });
  target = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.shop/" };
});
afterAll(() => mesh?.stop());

/** Why a reply is not a good one. */
const outcome = ({ status, body }: Reply): string => (status === 200 ? "200" : `${status} ${body}`);

/** The marks of a reply, outermost last. */
const marksOf = (reply: { headers: Record<string, unknown> }): string[] =>
  String(reply.headers["x-mark"] ?? "")
    .split(", ")
    .filter(Boolean);

async function applyMark({ version, mark }: { version: "a" | "b"; mark: string }): Promise<void> {
  const url = await markModule(version);
  await mesh.apply("mark.yaml", wasmPlugin({ name: "mark", url, config: { mark } }));
}

/** Waits until new requests are marked so by both proxies. */
async function live(text: string): Promise<void> {
  await mesh.waitFor(
    async () => marksOf(await call(target)).join() === [text, text].filter(Boolean).join(),
    `both proxies to mark with ${text || "nothing"}`,
  );
}

async function isProgrammed(): Promise<boolean> {
  const conditions = (await mesh.plugin("shop/mark"))?.conditions ?? [];
  return conditions.some(({ type, status }) => type === "Programmed" && status === "True");
}

/** How many connections webapp's sidecar has accepted from its clients, and how many of those to catalog's are closed. */
async function connections(): Promise<number[]> {
  const { outbound } = await mesh.statNames("webapp");
  const { inbound } = await mesh.statNames("catalog");
  return [
    await mesh.stat("webapp", `http.${outbound}.downstream_cx_total`),
    await mesh.stat("catalog", `http.${inbound}.downstream_cx_destroy`),
  ];
}

test("twenty swaps of module and configuration under load: none fails, none is unmarked, state survives", async () => {
  await applyMark({ version: "a", mark: "0" });
  await live("a0");
  const load = startLoad({ ...target, connections: 6 });
  for (let swap = 1; swap <= 20; swap++) {
    const version = swap % 4 < 2 ? "a" : "b"; // module and configuration by turns, then both
    await applyMark({ version, mark: String(swap) });
    await live(`${version}${swap}`);
  }
  const { replies, broken } = await load.stop();
  expect(broken).toEqual([]);
  expect(tally(replies, outcome)).toEqual({ 200: replies.length });
  expect(tally(replies, (reply) => marksOf(reply).length)).toEqual({ 2: replies.length });
  const numbers = replies.map(({ headers }) => Number(headers["x-count"]));
  expect(Math.max(...numbers)).toBeGreaterThanOrEqual(replies.length); // counted in shared data, over all versions
  expect(new Set(numbers).size).toBe(numbers.length);
  expect(await mesh.stat("catalog", "wasmcustom.mark_responses_total")).toBeGreaterThanOrEqual(replies.length);
});

test("attaching the first plugin and detaching the last closes no connection and cuts no stream", async () => {
  await mesh.remove("mark.yaml");
  await live("");
  const load: Load = startLoad({ ...target, connections: 6 });
  await until(() => load.count() >= 12, "all connections to be in use");
  const socket = await webSocket();
  const [made = 0] = await connections();
  let streamed: Awaited<ReturnType<typeof call>> | undefined;
  const stream = call({ ...target, path: "http://catalog.shop/stream/60/50" }).then((reply) => {
    streamed = reply;
  });
  await mesh.waitFor(async () => (await connections())[0] === made + 1, "the stream to begin");
  const before = await connections();
  let rounds = 0;
  while (streamed === undefined || rounds < 5) {
    await applyMark({ version: "a", mark: `r${rounds}` });
    await mesh.waitFor(async () => await isProgrammed(), "the plugin to be live");
    expect(await socket.echo(`attached ${rounds}`)).toBe(`attached ${rounds}`);
    await mesh.remove("mark.yaml");
    await mesh.waitFor(async () => (await mesh.plugin("shop/mark")) === undefined, "the plugin to be gone");
    expect(await socket.echo(`detached ${rounds}`)).toBe(`detached ${rounds}`);
    expect(await connections()).toEqual(before);
    rounds++;
  }
  await stream;
  const { replies, broken } = await load.stop();
  socket.end();
  expect(broken).toEqual([]);
  expect(tally(replies, outcome)).toEqual({ 200: replies.length });
  expect(streamed?.body.trimEnd().split("\n")).toHaveLength(60);
  expect(tally(replies, (reply) => marksOf(reply).length)["2"]).toBeGreaterThan(0);
});

interface Echo {
  echo(text: string): Promise<string>;
  end(): void;
}

/** A WebSocket through both sidecars; what is sent comes back. */
async function webSocket(): Promise<Echo> {
  const socket = connect(target.port, target.host);
  let received = "";
  let broken: Error | undefined;
  socket.setEncoding("utf8").on("data", (text: string) => {
    received += text;
  });
  socket.on("close", () => {
    broken = new Error("the WebSocket was closed");
  });
  socket.write(
    "GET http://catalog.shop/echo HTTP/1.1\r\nhost: catalog.shop\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const ends = async (text: string): Promise<void> => {
    await until(
      () => {
        if (broken) throw broken;
        return received.endsWith(text);
      },
      () => `${JSON.stringify(text)}, after ${JSON.stringify(received)}`,
    );
  };
  await ends("\r\n\r\n");
  expect(received).toContain("101 Switching Protocols");
  return {
    async echo(text) {
      received = "";
      socket.write(text);
      await ends(text);
      return received;
    },
    end: () => socket.end(),
  };
}
