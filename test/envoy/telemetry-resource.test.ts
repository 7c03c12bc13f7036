import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Call, call } from "../support/http.ts";
import { startMesh, type TestMesh } from "../support/mesh.ts";
import { type Sample, samples } from "../support/prometheus.ts";
import { gatewayTo, workload } from "../support/yaml.ts";

// What Telemetry objects make of metrics and access logs, in a mesh with a gateway that leads to catalog: each takes effect
// by ECDS, while no listener changes and no connection is closed.

let mesh: TestMesh;
let gateway: Call;

beforeAll(async () => {
  mesh = await startMesh({
    ...{ "catalog.yaml": workload("catalog"), "web.yaml": workload("web"), "gateway.yaml": gatewayTo("catalog") },
  });
  gateway = { ...(await mesh.gateway()), path: "/items" };
  await mesh.waitFor(async () => (await call(gateway)).status === 200, "the gateway to serve");
});
afterAll(() => mesh?.stop());

/** @param spec as a flow mapping */
async function apply(spec: string, namespace = "shop"): Promise<void> {
  await mesh.apply(
    `telemetry-${namespace}.yaml`,
    `apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: default, namespace: ${namespace}}\nspec: ${spec}\n`,
  );
}

/** Lines of the access log of a workload's proxy. */
async function lines(name: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const pod = await mesh.pod(name);
  const text = readFileSync(join((await mesh.run()).logs, `envoy-${pod.name}.log`), "utf8");
  return text
    .split("\n")
    .slice(0, -1) // the last may be half written
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

const isOf = (path: string) => (line: Readonly<Record<string, unknown>>) => line["path"] === path;

let asked = 0;

/** Asks for new paths until a proxy, catalog's where none is named, has logged one of them; the path. */
async function logged(verb: string, by = "catalog"): Promise<string> {
  const paths: unknown[] = [];
  return mesh.waitFor(async () => {
    const path = `${verb}?${asked++}`;
    paths.push(path);
    await call({ ...gateway, path });
    const line = (await lines(by)).findLast((one) => paths.includes(one["path"]));
    return line && String(line["path"]);
  }, `a line for ${verb}`);
}

/** The samples of a metric of a workload's proxy once that is true of them. */
async function samplesWith(
  name: string,
  metric: string,
  is: (found: readonly Sample[]) => boolean,
): Promise<readonly Sample[]> {
  const envoy = { get: (path: string) => mesh.admin(name, path) };
  return mesh.waitFor(async () => {
    await call(gateway);
    const found = await samples(envoy, metric);
    return is(found) && found;
  }, `${metric} of ${name}`);
}

const listenerUpdates = () => mesh.stat("catalog", "listener_manager.lds.update_success");

test("access logs are off, come on with Istio's fields, are filtered, and go off again", async () => {
  const updates = await listenerUpdates();
  expect(await lines("catalog")).toEqual([]);
  await apply("{accessLogging: [{match: {mode: SERVER}, providers: [{name: envoy}]}]}");
  const path = await logged("/items");
  expect((await lines("catalog")).find(isOf(path))).toMatchObject({
    ...{ method: "GET", path, protocol: "HTTP/1.1", response_code: 200, response_flags: "-" },
    ...{ response_code_details: "via_upstream", upstream_cluster: "inbound|8080||", route_name: "default" },
    ...{ authority: expect.stringContaining("127.0.0.1"), bytes_received: 0, duration: expect.any(Number) },
  });
  await apply("{accessLogging: [{filter: {expression: response.code >= 400}}]}");
  await mesh.waitFor(async () => {
    const fine = `/items?fine-${asked++}`;
    await call({ ...gateway, path: fine });
    await logged("/status/503"); // behind it
    return !(await lines("catalog")).some(isOf(fine));
  }, "what is fine to have no line any more");
  expect(await lines("istio-ingressgateway")).toEqual([]); // another namespace
  await mesh.remove("telemetry-shop.yaml");
  expect(await listenerUpdates()).toBe(updates);
});

test("a gateway has an access log, too", async () => {
  const name = "istio-ingressgateway";
  const updates = await mesh.stat(name, "listener_manager.lds.update_success");
  await apply("{accessLogging: [{match: {mode: CLIENT}, providers: [{name: envoy}]}]}", "istio-system");
  const path = await logged("/items", name);
  expect((await lines(name)).find(isOf(path))).toMatchObject({
    ...{ method: "GET", path, response_code: 200, response_flags: "-", route_name: null },
    ...{ upstream_cluster: "outbound|80||catalog.shop.svc.cluster.local", requested_server_name: null },
  });
  expect((await lines("catalog")).some(isOf(path))).toBe(false); // the side of the server
  await mesh.remove("telemetry-istio-system.yaml");
  expect(await mesh.stat(name, "listener_manager.lds.update_success")).toBe(updates);
});

test("a label is added, and another one removed", async () => {
  const updates = await listenerUpdates();
  await apply(
    "{metrics: [{overrides: [{match: {metric: REQUEST_COUNT}, tagOverrides: {request_method: {value: request.method}, source_principal: {operation: REMOVE}}}]}]}",
  );
  const isChanged = ({ labels }: Sample): boolean => labels["request_method"] === "GET";
  const found = await samplesWith("catalog", "istio_requests_total", (all) => all.some(isChanged));
  const { labels = {} } = found.find(isChanged) ?? {};
  expect(labels).toMatchObject({ reporter: "destination", response_code: "200", source_app: "istio-ingressgateway" });
  expect(Object.keys(labels)).not.toContain("source_principal");
  expect(await listenerUpdates()).toBe(updates);
  await mesh.remove("telemetry-shop.yaml");
});

test("a workload whose metrics are all off still tells others who it is", async () => {
  const envoy = { get: (path: string) => mesh.admin("catalog", path) };
  await apply("{metrics: [{overrides: [{disabled: true}]}]}");
  const isOff = async (): Promise<boolean> => {
    const before = JSON.stringify(await samples(envoy, "istio_requests_total"));
    await call(gateway);
    return JSON.stringify(await samples(envoy, "istio_requests_total")) === before;
  };
  await mesh.waitFor(isOff, "catalog to count no more");
  // The app is in no endpoint's metadata: catalog's proxy has said it.
  const count = (all: readonly Sample[]): number =>
    all.filter(({ labels }) => labels["destination_app"] === "catalog").reduce((sum, { value }) => sum + value, 0);
  const counted = count(await samplesWith("istio-ingressgateway", "istio_requests_total", (all) => count(all) > 0));
  await samplesWith("istio-ingressgateway", "istio_requests_total", (all) => count(all) > counted);
});

describe("metrics of one side", () => {
  /** What web, as the caller, and catalog have counted of web's calls. */
  async function counted() {
    const count = async (name: string, metric: string): Promise<number> =>
      (await samples({ get: (path: string) => mesh.admin(name, path) }, metric))
        .filter(({ labels }) => labels["source_app"] === "web" && labels["destination_app"] === "catalog")
        .reduce((sum, { value }) => sum + value, 0);
    return {
      calls: await count("web", "istio_requests_total"),
      took: await count("web", "istio_request_duration_milliseconds_count"), // appears every 5 s
      served: await count("catalog", "istio_requests_total"),
    };
  }
  type Counted = Awaited<ReturnType<typeof counted>>;

  const updatesOfBoth = () =>
    Promise.all(["web", "catalog"].map((name) => mesh.stat(name, "listener_manager.lds.update_success")));

  /** Calls as web until that is true of what is counted. */
  async function callUntil(is: (now: Counted, before: Counted) => boolean): Promise<Counted> {
    const caller = { ...(await mesh.httpProxy("web")), path: "http://catalog.shop/items" };
    return mesh.waitFor(async () => {
      const before = await counted();
      await call(caller);
      const now = await counted();
      return is(now, before) && now;
    }, "calls to be counted");
  }

  test.each`
    override                                                            | off         | on
    ${"{match: {mode: SERVER}, disabled: true}"}                        | ${"served"} | ${["calls"]}
    ${"{match: {mode: CLIENT}, disabled: true}"}                        | ${"calls"}  | ${["served"]}
    ${"{match: {metric: REQUEST_COUNT, mode: CLIENT}, disabled: true}"} | ${"calls"}  | ${["served", "took"]}
  `(
    "$override: no $off, and $on go on, without a listener's change",
    async ({ override, off, on }: { override: string; off: keyof Counted; on: (keyof Counted)[] }) => {
      await mesh.remove("telemetry-shop.yaml");
      await callUntil((now, before) => now.calls > before.calls && now.served > before.served);
      const updates = await updatesOfBoth();
      await apply(`{metrics: [{overrides: [${override}]}]}`);
      const base = await callUntil((now, before) => now[off] === before[off]);
      // More than were counted while it was on.
      const end = await callUntil((now) => on.every((name) => now[name] > Math.max(base[name], base[off])));
      expect(end[off]).toBe(base[off]);
      expect(await updatesOfBoth()).toEqual(updates);
    },
  );
});
