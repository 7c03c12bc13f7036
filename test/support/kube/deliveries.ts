// What proxies took of what they were sent, told by themselves: it can be asked while the API server is down.
import { call } from "../http.ts";

/** Where every injected proxy shows its statistics. */
const statsPort = 15090;

/** Answers of the control plane that a proxy has accepted since its start, by Envoy's counter without its end: `http_rds_80`. */
export type Deliveries = Readonly<Record<string, number>>;

/** Value of each statistic of a proxy, by its name and labels as Prometheus reads them. */
export async function proxyStats(podIp: string): Promise<ReadonlyMap<string, number>> {
  const { body } = await call({ host: podIp, port: statsPort, path: "/stats/prometheus" });
  return new Map(
    body.split("\n").flatMap((line): [string, number][] => {
      const end = line.lastIndexOf(" ");
      return line.startsWith("#") || end < 0 ? [] : [[line.slice(0, end), Number(line.slice(end + 1))]];
    }),
  );
}

export async function deliveries(podIp: string): Promise<Deliveries> {
  const counters = [...(await proxyStats(podIp))].flatMap(([key, value]): [string, number][] => {
    const [, counter, labels = ""] = /^envoy_(\w+)_update_success\{(.*)\}$/.exec(key) ?? [];
    if (counter === undefined) return [];
    const cluster = /cluster_name="([^"]*)"/.exec(labels)?.[1];
    return [[cluster === undefined ? counter : `eds ${cluster}`, value]];
  });
  return Object.fromEntries(counters);
}

/** What has come since, and how often. */
export function since(before: Deliveries, after: Deliveries): Deliveries {
  const grown = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count !== 0));
}
