import { beforeAll, describe, expect, test } from "vitest";
import { ConfigRefused, Host } from "../../sdk/host/index.ts";
import { filterModule } from "../../test/support/filter-module.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await filterModule("retry-budget");
});

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
    ${{ per: "cluster" }}         | ${"per"}
    ${{ retryHeader: "x retry" }} | ${"retryHeader"}
    ${{ retryHeader: "" }}        | ${"retryHeader"}
    ${{ percents: 5 }}            | ${"percents"}
  `("$config is refused, naming $field", async ({ config, field }) => {
    const refused = () => Host.load(module, { config, upstream: true });
    await expect(refused()).rejects.toThrow(ConfigRefused);
    await expect(refused()).rejects.toThrow(new RegExp(`\\b${field} is `));
  });
});
