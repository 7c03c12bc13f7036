import { beforeEach, expect, test } from "vitest";
import { type Certificate, PrivateKey } from "../model/certificate.ts";
import type { Identity } from "../model/identity.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import { Certificates } from "./certificates.ts";
import { ServingCertificate } from "./serving.ts";

const hourMs = 3_600_000;

let clock: TestClock;
let log: TestLog;
let random: number;
/** Why nothing can be issued; absent: it can. */
let fault: string | undefined;
/** `cart-2`: the second that was made, and whose. */
let issued: string[];
let wanted: string[];
let told: string[][];
let certificates: Certificates;

function issue({ serviceAccount }: Pick<Identity, "serviceAccount">): Promise<Certificate> {
  if (fault !== undefined) return Promise.reject(new Error(fault));
  issued.push(`${serviceAccount}-${issued.length + 1}`);
  const life = { notBeforeMs: clock.nowMs() - 60_000, notAfterMs: clock.nowMs() + hourMs };
  return Promise.resolve({ chain: issued.at(-1) ?? "", key: new PrivateKey(""), roots: "", ...life });
}

beforeEach(() => {
  clock = new TestClock(Date.UTC(2026, 0));
  log = new TestLog();
  random = 0.5;
  fault = undefined;
  issued = [];
  told = [];
  wanted = ["cart", "web"];
  certificates = new Certificates({
    issue,
    isWanted: ({ serviceAccount }) => wanted.includes(serviceAccount),
    onChange: (identities) => told.push(identities.map(({ serviceAccount }) => serviceAccount)),
    clock,
    random: () => random,
    log,
  });
});

function get(serviceAccount: string): string | undefined {
  return certificates.get({ trustDomain: "cluster.local", namespace: "shop", serviceAccount })?.chain;
}

/** Moves on in small steps, so that what is issued at each is there at the next. */
async function advance(byMs: number): Promise<void> {
  for (let leftMs = byMs; leftMs > 0; leftMs -= 1000) {
    clock.advance(Math.min(leftMs, 1000));
    await Promise.resolve().then(() => Promise.resolve());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test("is made when it is first asked for, once for an identity, and told together with others", async () => {
  expect([get("cart"), get("cart"), get("web")]).toEqual([undefined, undefined, undefined]);
  await advance(10);
  await advance(10);
  expect(issued).toEqual(["cart-1", "web-2"]);
  expect(told).toEqual([["cart", "web"]]);
  expect(get("cart")).toBe("cart-1");
});

test.each([
  { random: 0, minutes: 27 },
  { random: 0.5, minutes: 30 },
  { random: 1, minutes: 33 },
])("is renewed at half its life, give or take a tenth of that: $minutes minutes of an hour", async (row) => {
  random = row.random;
  get("cart");
  await advance(10);
  await advance(row.minutes * 60_000 - 1000);
  expect(issued).toHaveLength(1);
  await advance(2000);
  expect(get("cart")).toBe("cart-2");
  expect(told).toEqual([["cart"], ["cart"]]);
});

test("is forgotten when no proxy has the identity any more, and made anew for the next", async () => {
  get("cart");
  await advance(10);
  wanted = [];
  await advance(hourMs);
  expect(issued).toEqual(["cart-1"]);
  expect(get("cart")).toBeUndefined();
  await advance(10);
  expect(get("cart")).toBe("cart-2");
});

test("a failure is told and tried again, ever more slowly; the one there is stays", async () => {
  get("cart");
  await advance(10);
  fault = "no entropy";
  await advance(30 * 60_000 + 8000);
  expect(get("cart")).toBe("cart-1");
  const text = "no certificate could be issued, the one it has ends on 2026-01-01T01:00:00.000Z";
  expect(log.lines).toEqual(
    [1, 2, 4, 8].map(
      (s) => `error: spiffe://cluster.local/ns/shop/sa/cart: ${text}; tried again in ${s} s: no entropy`,
    ),
  );
  fault = undefined;
  await advance(9000);
  expect(get("cart")).toBe("cart-2");
});

test("nothing is made or told after stop", async () => {
  get("cart");
  certificates.stop();
  await advance(hourMs);
  expect([told, issued]).toEqual([[], ["cart-1"]]);
});

test("the controller's own is there from the start, and whoever serves with it is told of the next", async () => {
  const serving = await ServingCertificate.start({
    name: "sluice.istio-system.svc",
    issue: () => issue({ serviceAccount: "sluice" }),
    clock,
    random: () => random,
    log,
  });
  const seen: string[] = [];
  const stopListening = serving.onChange(() => seen.push(serving.current.chain));
  expect(serving.current.chain).toBe("sluice-1");
  await advance(31 * 60_000);
  stopListening();
  await advance(31 * 60_000);
  expect(seen).toEqual(["sluice-2"]);
  expect(serving.current.chain).toBe("sluice-3");
  serving.stop();
});
