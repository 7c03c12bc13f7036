import { afterAll, expect, test } from "vitest";
import { call } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import { treeOf, wholeTrace } from "../support/spans.ts";
import { startTracedShop, telemetry, traces } from "../support/traced-shop.ts";
import { zipkinCommand, zipkinObstacle } from "../support/zipkin-server.ts";

let mesh: TestMesh | undefined;
afterAll(() => mesh?.stop());

test.skipIf(zipkinObstacle() !== undefined)(
  "Zipkin shows a request as one trace from the gateway through webapp to catalog",
  async () => {
    const shop = await startTracedShop(zipkinCommand(), 180_000);
    mesh = shop;
    await shop.apply("all.yaml", telemetry("mesh-default", "istio-system", "randomSamplingPercentage: 100"));
    const gateway = { ...(await shop.gateway()), path: "/api/catalog" };
    const found = await shop.waitFor(async () => {
      await call(gateway);
      return (await traces(shop)).map(treeOf).find((tree) => tree.length === wholeTrace.length);
    }, "a whole trace");
    expect(found).toEqual(wholeTrace);
  },
  300_000,
);
