import { expect, test } from "vitest";
import { until } from "../../test/support/wait.ts";
import { TestClock } from "../ports/clock.ts";
import { TestLog } from "../ports/log.ts";
import type { KubeObject, WatchEvent } from "./api.ts";
import { RootConfigMaps } from "./root-config-maps.ts";
import { Script } from "./test-support/script.ts";

const pem = (text: string): string => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

const { signal: never } = new AbortController();

function published(namespace: string, text: string): KubeObject {
  const metadata = { name: "istio-ca-root-cert", namespace, uid: namespace, resourceVersion: "1" };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, data: { "root-cert.pem": text } };
}

/** Namespaces that were written, and what the log says. */
async function start(before: readonly KubeObject[]): Promise<readonly [readonly string[], readonly string[]]> {
  const script = new Script();
  const written: string[] = [];
  const log = new TestLog();
  const maps = new RootConfigMaps({
    client: {
      list: async (_, __, { signal = never } = {}) => script.list(signal),
      watch: async (_, { resourceVersion }, signal) =>
        (await script.watch(resourceVersion, signal)) as AsyncGenerator<WatchEvent>,
      apply: async (target, object) => {
        written.push(target.namespace ?? "");
        return object as KubeObject;
      },
    },
    namespaces: () => ["shop", "istio-system"],
    roots: () => pem("new") + pem("former"),
    clock: new TestClock(),
    random: () => 0,
    log,
  });
  (await script.next("list")).answer(before, "1");
  await until(() => written.length === 2, "both namespaces to be written");
  maps.close();
  return [written, log.lines];
}

test("the first roots, and others beside one that is known, are published without a word", async () => {
  expect(await start([])).toEqual([["shop", "istio-system"], []]);
  expect(await start([published("shop", pem("former").trim())])).toEqual([["shop", "istio-system"], []]);
});

test("other roots than those that running proxies know are published with a warning", async () => {
  expect(await start([published("shop", pem("lost")), published("istio-system", pem("former"))])).toEqual([
    ["shop", "istio-system"],
    [
      "warn: the root of trust has changed: proxies that were started with the one before, in shop, can't reach this controller and get no more certificates; restart every pod that has a proxy (kubectl rollout restart deployment)",
    ],
  ]);
});
