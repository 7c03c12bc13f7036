import { createServer, type Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import { freePort } from "../../test/support/envoy.ts";
import { addressesBut } from "./addresses.ts";
import { Claims } from "./claims.ts";
import { placeOf } from "./place.ts";
import { planOf } from "./plan.ts";
import { container, deployment } from "./test-support/objects.ts";

const servers: Server[] = [];
const claims = new Claims();
const otherRun = new Claims();
afterEach(() => {
  claims.release();
  otherRun.release();
  for (const server of servers.splice(0)) server.close();
});

async function listen(port: number, host: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
}

const none = { ips: new Set<string>(), appPorts: new Set<number>() };

async function pod(...ports: number[]) {
  const containers = [container({ ports: ports.map((containerPort) => ({ containerPort })) })];
  const [plan] = planOf([deployment("web", { containers })]).pods;
  if (!plan) throw new Error("no pod");
  return plan;
}

test("addresses are given in order, without those that are taken", () => {
  const addresses = [...addressesBut(new Set(["127.0.18.1", "127.0.18.3"]))];
  expect(addresses.slice(0, 2)).toEqual(["127.0.18.2", "127.0.18.4"]);
  expect(addresses.at(-1)).toBe("127.0.18.254");
});

test("a free port is kept, and an address where it can be bound is found", async () => {
  const port = await freePort();
  const plan = await pod(port, 9);
  const first = await placeOf(plan, none, claims);
  await listen(port, first.ip);
  const second = await placeOf(plan, none, claims);
  expect(second.ip).not.toBe(first.ip);
  expect(second.containers[0]?.appPort).toBe(port);
  expect([...second.appPorts].toSorted()).toEqual(
    [
      ...new Map([
        [port, port],
        [9, 9],
      ]),
    ].toSorted(),
  );
});

test("the application gets another port where its own is in use, or another pod's", async () => {
  const port = await freePort();
  const plan = await pod(port);
  const given = (await placeOf(plan, { ...none, appPorts: new Set([port]) }, claims)).containers[0]?.appPort;
  expect(given).not.toBe(port);
  await listen(port, "127.0.0.1");
  expect((await placeOf(plan, none, claims)).containers[0]?.appPort).not.toBe(port);
});

test("another run gets neither the address nor the port, though nothing listens there yet", async () => {
  const port = await freePort();
  const plan = await pod(port);
  const mine = await placeOf(plan, none, claims);
  const theirs = await placeOf(plan, none, otherRun);
  expect(theirs.ip).not.toBe(mine.ip);
  expect(theirs.containers[0]?.appPort).not.toBe(mine.containers[0]?.appPort);
});

test("a port that is taken on all addresses is named", async () => {
  const port = await freePort();
  await listen(port, "0.0.0.0");
  await expect(placeOf(await pod(port), none, claims)).rejects.toThrow(
    new RegExp(`port ${port} can't be bound .* 0\\.0\\.0\\.0`),
  );
});
