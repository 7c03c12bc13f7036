// Swaps of module and configuration under load, through webapp's sidecar to catalog's, with the plugin in both.
import { Agent } from "node:http";
import { call, type Reply, startLoad, tally } from "../support/http.ts";
import type { TestMesh } from "../support/mesh.ts";
import { markModule } from "../support/modules.ts";
import { wasmPlugin } from "../support/yaml.ts";
import type { Measurement } from "./figures.ts";
import { smallMesh } from "./small-mesh.ts";

const swaps = 20;
const connections = 8;

const marksOf = ({ headers }: Reply): string => String(headers["x-mark"] ?? "");

export const swapsUnderLoad: Measurement = async (resources) => {
  const urls = { a: await markModule("a"), b: await markModule("b") };
  const mesh = await smallMesh(resources);
  const target = { ...(await mesh.httpProxy("webapp")), path: "http://catalog.shop/" };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  resources.defer(async () => agent.destroy());
  const swapTo = async (version: "a" | "b", mark: string): Promise<number> => {
    const startMs = performance.now();
    await mesh.apply("mark.yaml", wasmPlugin({ name: "mark", url: urls[version], config: { mark } }));
    const wanted = `${version}${mark}, ${version}${mark}`;
    await mesh.waitFor(
      async () => marksOf(await call({ ...target, agent })) === wanted,
      `both proxies to mark ${wanted}`,
    );
    return performance.now() - startMs;
  };
  await swapTo("a", "0");
  const load = startLoad({ ...target, connections });
  await mesh.waitFor(() => load.count() > 10 * connections, "all connections to be in use");
  const [before, startCount, startMs] = [await connectionsClosed(mesh), load.count(), performance.now()];
  const samples: number[] = [];
  for (let n = 1; n <= swaps; n++) samples.push(await swapTo(n % 4 < 2 ? "a" : "b", String(n))); // every second changes the module too
  const seconds = (performance.now() - startMs) / 1000;
  const [closed, rate] = [(await connectionsClosed(mesh)) - before, (load.count() - startCount) / seconds];
  const { replies, broken } = await load.stop();
  const failed = broken.length + replies.filter(({ status }) => status !== 200).length;
  const statuses = { ...tally(replies, ({ status }) => status), ...tally(broken, (why) => why) };
  const unfiltered = replies.filter((reply) => marksOf(reply).split(", ").length !== 2).length;
  const of = `of ${replies.length + broken.length} over ${swaps} swaps, ${connections} connections`;
  return [
    { what: "swaps: failed requests", samples: [failed], unit: "", how: `${of}: ${JSON.stringify(statuses)}` },
    {
      what: "swaps: requests without the filter",
      samples: [unfiltered],
      unit: "",
      how: `${of}; each proxy marks the response`,
    },
    {
      what: "swaps: connections closed",
      samples: [closed],
      unit: "",
      how: "downstream_cx_destroy of webapp's sidecar outbound and catalog's inbound",
    },
    {
      what: "swaps: requests per second meanwhile",
      samples: [rate],
      unit: "",
      how: "answered one after the other on each connection; client and applications share the cores with the Envoys",
    },
    {
      what: "swaps: YAML saved to both proxies marking",
      samples,
      unit: "ms",
      how: "under this load; asked every 10 ms",
    },
  ];
};

/** Connections from downstream that webapp's and catalog's sidecars have seen end. */
async function connectionsClosed(mesh: TestMesh): Promise<number> {
  const { outbound } = await mesh.statNames("webapp");
  const { inbound } = await mesh.statNames("catalog");
  return (
    (await mesh.stat("webapp", `http.${outbound}.downstream_cx_destroy`)) +
    (await mesh.stat("catalog", `http.${inbound}.downstream_cx_destroy`))
  );
}
