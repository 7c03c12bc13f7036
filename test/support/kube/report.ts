import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import type { KubeApi } from "./api.ts";
import { nodeName } from "./pod-runner.ts";

const linesShown = 15;

/** What a test shows where it fails: the pods of the node, their containers' states and the ends of their logs. */
export async function podReport(api: KubeApi, podsDir: string): Promise<string> {
  const { items } = await api.get<{ items: readonly V1Pod[] }>(
    `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`,
  );
  const parts = items.map(async ({ metadata, status }) => {
    const name = `${metadata?.namespace}/${metadata?.name}`;
    const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
    const shown = containers.map(async ({ name: container, ready, restartCount, state }) => {
      const log = await readFile(join(podsDir, name, `${container}.log`), "utf8").catch(() => "");
      const last = log.trimEnd().split("\n").slice(-linesShown);
      return [`  ${container} ready=${ready} restarts=${restartCount} ${JSON.stringify(state)}`, ...last].join(
        "\n    | ",
      );
    });
    return [`pod ${name} ${status?.phase} ${status?.podIP}`, ...(await Promise.all(shown))].join("\n");
  });
  return (await Promise.all(parts)).join("\n");
}
