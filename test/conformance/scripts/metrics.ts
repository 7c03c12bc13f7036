// Counters, gauges and histograms. A metric's name belongs to one script: stats are the process's.
import type { Script } from "../script.ts";

export const metrics: readonly Script[] = [
  {
    title: "ids of each kind are a series of their own; a kind that is none is BadArgument",
    on: {
      request_headers: `
        define_metric(0, 'ids_c1')
        define_metric(0, 'ids_c2')
        define_metric(1, 'ids_g1')
        define_metric(2, 'ids_h1')
        define_metric(1, 'ids_g2')
        define_metric(2, 'ids_h2')
        define_metric(3, 'ids_none')
        define_metric(-1, 'ids_none')`,
    },
  },
  {
    title: "a counter grows by increment and by record, never by 0 or less",
    on: {
      request_headers: `
        define_metric(0, 'counter')
        get_metric(4)
        increment_metric(4, 2)
        increment_metric(4, 0)
        increment_metric(4, -1)
        record_metric(4, 5)
        record_metric(4, 0)
        get_metric(4)`,
    },
  },
  {
    title: "a gauge goes both ways and wraps below 0",
    on: {
      request_headers: `
        define_metric(1, 'gauge')
        increment_metric(5, 3)
        get_metric(5)
        increment_metric(5, -4)
        get_metric(5)
        record_metric(5, 7)
        increment_metric(5, 0)
        get_metric(5)`,
    },
  },
  {
    title: "a histogram is recorded only",
    on: {
      request_headers: `
        define_metric(2, 'histogram')
        increment_metric(6, 1)
        get_metric(6)
        record_metric(6, 9)
        record_metric(6, 0)
        record_metric(6, 300)`,
    },
  },
  {
    title: "an id that is none's, of each kind",
    on: {
      request_headers: [4, 5, 6, 7, 0, 1, 2, 3, -1]
        .map((id) => `increment_metric(${id}, 1)\nrecord_metric(${id}, 1)\nget_metric(${id})`)
        .join("\n"),
    },
  },
  {
    title: "the same name is the same counter, with each of its ids",
    on: {
      configure: "define_metric(0, 'shared_counter')\nincrement_metric(4, 1)",
      request_headers: "define_metric(0, 'shared_counter')\nincrement_metric(8, 10)\nget_metric(4)",
    },
    upstream: { request_headers: "define_metric(0, 'shared_counter')\nincrement_metric(12, 100)\nget_metric(4)" },
  },
  {
    title: "the same name of another kind is another metric",
    on: {
      request_headers: `
        define_metric(0, 'kinds')
        define_metric(1, 'kinds')
        increment_metric(4, 2)
        get_metric(5)
        record_metric(5, 9)
        get_metric(4)`,
    },
  },
  {
    title: "names with labels, blanks and other bytes",
    on: {
      request_headers: `
        define_metric(0, 'labels_total.;.a=.=b.;.c=.=d.;.')
        define_metric(0, 'with blank')
        increment_metric(4, 1)
        increment_metric(8, 1)`,
    },
  },
  {
    title: "a name outside the memory, a value to nowhere",
    on: { request_headers: "define_metric(0, @nowhere)\ndefine_metric(9, @nowhere)" },
  },
  {
    title: "what is counted while a plugin starts is counted by each VM, the canary, too",
    on: {
      vm_start: "m = define_metric(0, 'started')\nincrement_metric($m, 1)",
      configure: "m = define_metric(0, 'configured')\nincrement_metric($m, 1)",
      request_headers: "m = define_metric(0, 'configured')\nget_metric($m)",
    },
  },
  {
    title: "metrics count over requests",
    requests: [{}, {}, {}],
    on: { configure: "define_metric(0, 'over_requests')", log: "increment_metric(4, 1)\nget_metric(4)" },
  },
  {
    title: "large numbers",
    on: {
      request_headers: `
        define_metric(1, 'large')
        record_metric(5, 9223372036854775807)
        get_metric(5)
        increment_metric(5, 1)
        get_metric(5)
        record_metric(5, -1)
        get_metric(5)
        record_metric(5, 1)`,
    },
  },
];
