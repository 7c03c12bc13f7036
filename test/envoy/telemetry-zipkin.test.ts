import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import { treeOf, wholeTrace } from "../support/spans.ts";
import { decisions, startTracedShop, telemetry, tell, traces } from "../support/traced-shop.ts";
import { zipkinCommand, zipkinObstacle } from "../support/zipkin-server.ts";

describe.skipIf(zipkinObstacle() !== undefined)("Zipkin itself", () => {
  let mesh: TestMesh;

  beforeAll(async () => {
    mesh = await startTracedShop(zipkinCommand(), 180_000);
    await mesh.apply("all.yaml", telemetry("mesh-default", "istio-system", "randomSamplingPercentage: 100"));
  }, 300_000);
  afterAll(() => mesh?.stop());

  test("shows a request as one trace from the gateway through webapp to catalog", async () => {
    const gateway = { ...(await mesh.gateway()), path: "/api/catalog" };
    const found = await mesh.waitFor(async () => {
      await call(gateway);
      return (await traces(mesh)).map(treeOf).find((tree) => tree.length === wholeTrace.length);
    }, "a whole trace");
    expect(found).toEqual(wholeTrace);
  });

  test.each(decisions)(
    "shows what filters decided: %s, in a trace of %s",
    (story, context) => tell(mesh, story, context),
    60_000,
  );
});
