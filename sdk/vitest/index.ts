// What a filter's test can say of a host and what it brings, in vitest's words: `import "@sluice/sdk/vitest"`. Failures show what was there.
import { expect } from "vitest";
import type { LogLevel } from "../host/index.ts";
import { type Budget, toStayWithin } from "./budget.ts";
import { toHaveHeader } from "./header.ts";
import { type LocalReplyWanted, toHaveLocalReply } from "./local-reply.ts";
import { toHaveLogged } from "./logged.ts";
import { type MetricLabels, type MetricValue, toHaveMetric } from "./metric.ts";

declare module "vitest" {
  // The parameters must be those of vitest's own declaration.
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    /**
     * A reply, an attempt or a map of headers has a header: some value of that name is this text, or matches.
     *
     * @param name  in any case
     * @param value default: any
     */
    toHaveHeader(name: string, value?: string | RegExp): R;
    /**
     * The caller got an answer that no upstream gave, but a filter or Envoy itself.
     *
     * @param wanted what of it is as said: status, details and body in full, or a pattern; default: nothing more
     */
    toHaveLocalReply(wanted?: LocalReplyWanted): R;
    /**
     * A host has a counter or gauge of this value, or a histogram of these samples.
     *
     * @param labels all that it has, in any order; default: none
     * @param value  default: any
     */
    toHaveMetric(name: string, labels?: MetricLabels, value?: MetricValue): R;
    /** A host's log has a line of exactly this level with this text in it. */
    toHaveLogged(level: LogLevel, text: string | RegExp): R;
    /** What `host.measure()` counted is within a budget: as much, or less. */
    toStayWithin(budget: Budget): R;
  }
}

expect.extend({ toHaveHeader, toHaveLocalReply, toHaveLogged, toHaveMetric, toStayWithin });
