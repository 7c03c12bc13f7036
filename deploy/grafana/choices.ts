// What readers choose among, by the series that there are.
import type { Choice } from "./dashboard.ts";

/** The series of all that was asked or connected, from which readers choose. */
export function anyTraffic(selector = ""): string {
  return `{__name__=~"istio_requests_total|istio_tcp_connections_opened_total"${selector && `, ${selector}`}}`;
}

/** Values of a label that has the name of its end before it: of servers, and of clients, which nobody may call. */
export function ofBothEnds(label: string, selector = ""): Pick<Choice, "values" | "regex"> {
  const [server, client] = ["destination", "source"].map((end) => {
    const selected = anyTraffic(selector && `${end}_${selector}`);
    return `group(${selected}) by (${end}_${label})`;
  });
  return { values: `query_result(${server} or ${client})`, regex: `/_${label}="([^"]*)"/` };
}

/** Whose count it is: one of them, since each counts all of it. */
export function reporterOf(selector: string): Choice {
  return {
    name: "reporter",
    label: "Reporter",
    description:
      "Whose count of incoming traffic is shown: that of the servers' proxies (destination), or that of the clients' (source), " +
      "which has also what never arrives.",
    values: `label_values(${anyTraffic(selector)}, reporter)`,
    initial: "destination",
  };
}
