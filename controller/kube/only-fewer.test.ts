import { expect, test } from "vitest";
import type { WrittenStatus } from "../model/written-status.ts";
import { isOnlyFewer } from "./only-fewer.ts";

interface Gist {
  readonly generation?: number;
  /** As `kubectl get` shows it: matched, acknowledged, refused. */
  readonly proxies?: string;
  readonly accepted?: string;
  readonly degraded?: string;
  readonly warnings?: string;
  readonly digest?: string;
}

function status({ generation = 1, proxies = "3/3/0", accepted = "True", degraded = "False", ...rest }: Gist) {
  const [matched = 0, acknowledged = 0, refused = 0] = proxies.split("/").map(Number);
  return {
    conditions: [
      { type: "Accepted", status: accepted, message: rest.warnings ?? "a\nb" },
      { type: "Degraded", status: degraded },
    ],
    observedGeneration: generation,
    proxies: { matched, acknowledged, refused },
    digest: rest.digest ?? "1f3a",
  } as WrittenStatus;
}

test.each<{ what: string; after: Gist; fewer: boolean }>([
  { what: "fewer proxies", after: { proxies: "2/2/0" }, fewer: true },
  { what: "no proxy", after: { proxies: "0/0/0" }, fewer: true },
  { what: "a proxy that is back and has not acknowledged", after: { proxies: "3/2/0" }, fewer: true },
  {
    what: "fewer proxies, and a warning that was found on another",
    after: { proxies: "2/2/0", warnings: "b" },
    fewer: true,
  },
  { what: "fewer proxies, and no warning", after: { proxies: "2/2/0", warnings: "" }, fewer: true },
  { what: "a warning less", after: { warnings: "b" }, fewer: false },
  { what: "the same", after: {}, fewer: false },
  { what: "another module", after: { digest: "77aa" }, fewer: false },
  { what: "more proxies", after: { proxies: "4/4/0" }, fewer: false },
  { what: "another proxy that is to acknowledge", after: { proxies: "4/3/0" }, fewer: false },
  { what: "a refusal", after: { proxies: "3/2/1" }, fewer: false },
  { what: "another warning", after: { proxies: "2/2/0", warnings: "c" }, fewer: false },
  { what: "an error", after: { proxies: "2/2/0", accepted: "False" }, fewer: false },
  { what: "the loss of its newest version", after: { proxies: "2/2/0", degraded: "True" }, fewer: false },
  { what: "another generation", after: { proxies: "2/2/0", generation: 2 }, fewer: false },
])("$what: fewer proxies and nothing new is $fewer", ({ after, fewer }) => {
  expect(isOnlyFewer(status({}), status(after))).toBe(fewer);
});
