// What a filter may cost.
import { expect, test } from "vitest";
import { filterModule } from "../../test/support/filter-module.ts";
import { Host } from "../host/index.ts";
import "../vitest/index.ts";

test("hello is small, asks for what it does and no more, and needs one page of memory for ever", async () => {
  const host = await Host.load(await filterModule("hello"));
  const request = () => host.fetch();
  expect(host.measure(request)).toStayWithin({
    hostcalls: { proxy_add_header_map_value: 2 },
    allocations: 0,
    moduleBytes: 4096,
  });
  const many = host.measure(() => {
    for (let i = 0; i < 10_000; i++) request();
  });
  expect(many).toStayWithin({ memoryBytes: 65_536 });
});
