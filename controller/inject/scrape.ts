import type { Texts } from "./pod.ts";

/** Where Prometheus finds Envoy's statistics. */
export const proxyScrape: Texts = {
  "prometheus.io/scrape": "true",
  "prometheus.io/port": "15090",
  "prometheus.io/path": "/stats/prometheus",
};

/** Whether an application says itself where it is scraped: there is one place a pod. 15020 is a port of Istio's agent. */
export function isScraped(annotations: Texts): boolean {
  return annotations["prometheus.io/port"] !== "15020" && Object.keys(proxyScrape).some((name) => name in annotations);
}
