// What Envoy shows to Prometheus, parsed.
import type { TestEnvoy } from "./envoy.ts";

/** One line of Prometheus' text format. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one name in what Prometheus reads of an Envoy; histograms are there when Envoy has flushed them. */
export async function samples(envoy: Pick<TestEnvoy, "get">, name: string): Promise<Sample[]> {
  const text = await envoy.get("/stats/prometheus?usedonly");
  return text.split("\n").flatMap((line) => {
    const [, labels = "", value] = new RegExp(`^${name}\\{(.*)\\} (\\d+)$`).exec(line) ?? [];
    if (value === undefined) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", text = ""]) => [key, text]);
    return [{ labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}
