// Each format string that a Telemetry may have for a tag, on a real Envoy: for one that it does not know it takes no route.
import { expect, test } from "vitest";
import { formatComplaint, plainCommands } from "../../controller/crd/format-string.ts";
import { HttpConnectionManagerSchema } from "../../controller/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js";
import { spansCluster } from "../../controller/model/names.ts";
import { messageJson } from "../../controller/translate/test-support/json.ts";
import { managerTracing } from "../../controller/translate/tracing.ts";
import { freePort } from "../support/envoy.ts";
import { staticCluster } from "../support/filter-envoy.ts";
import { startSidecar } from "./telemetry-fixture.ts";

const formats = [
  ...plainCommands.map((command) => `%${command}%`),
  ...["plain", "100%%", "%REQ(:authority)% over %PROTOCOL%", "%REQ(x-a)%%RESP(x-b?x-c)%", "%TRAILER(x-a):5%"],
  ...[
    "%CEL(request.headers['x-a'])%",
    "%CEL(size(request.path) > (1 + 2))%",
    "%CEL(request.host):4%",
    "%CEL({'a': ')'}.a)%",
  ],
  ...[
    "%ENVIRONMENT(HOME)%",
    "%DYNAMIC_METADATA(a.b:c)%",
    "%DYNAMIC_METADATA(a:b:c):3%",
    "%FILTER_STATE(wasm.sluice.deadline:PLAIN)%",
  ],
];

test("what is taken for a format string, Envoy takes", async () => {
  expect(formats.filter((format) => formatComplaint(format) !== undefined)).toEqual([]);
  const port = await freePort();
  const envoy = await startSidecar({ workload: "web", labels: {} }, [
    {
      ...{ direction: "OUTBOUND", port, upstreamPorts: [port], plugins: [] },
      manager: messageJson(HttpConnectionManagerSchema, managerTracing("outbound", "sidecar")),
      tracing: { custom_tags: formats.map((value, i) => ({ tag: `t${i}`, value })) },
      peers: [staticCluster(spansCluster("outbound"), port)],
    },
  ]);
  await envoy.stop();
});
