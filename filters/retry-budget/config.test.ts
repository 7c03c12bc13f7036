import { describe, expect, test } from "vitest";
import { ConfigRefused } from "../../sdk/host/index.ts";
import { load } from "./test-support/fixture.ts";

describe("the configuration", () => {
  test.each`
    config                        | field
    ${{ window: "999ms" }}        | ${"window"}
    ${{ window: "11m" }}          | ${"window"}
    ${{ window: 10 }}             | ${"window"}
    ${{ percent: -1 }}            | ${"percent"}
    ${{ percent: 1001 }}          | ${"percent"}
    ${{ percent: 12.5 }}          | ${"percent"}
    ${{ minRetries: "many" }}     | ${"minRetries"}
    ${{ minRetries: -1 }}         | ${"minRetries"}
    ${{ minRetries: 1_000_001 }}  | ${"minRetries"}
    ${{ per: "cluster" }}         | ${"per"}
    ${{ retryHeader: "x retry" }} | ${"retryHeader"}
    ${{ retryHeader: "" }}        | ${"retryHeader"}
    ${{ percents: 5 }}            | ${"percents"}
  `("$config is refused, naming $field", async ({ config, field }) => {
    const refused = () => load(config);
    await expect(refused()).rejects.toThrow(ConfigRefused);
    await expect(refused()).rejects.toThrow(new RegExp(`\\b${field} is `));
  });

  test.each([
    { window: "1s", percent: 0, minRetries: 0, per: "destination" },
    { window: "10m", percent: 1000, minRetries: 1_000_000, per: "route", retryHeader: "X-Retry_1" },
    { per: "proxy" },
    {},
  ])("%o is taken", async (config) => {
    await load(config);
  });
});
