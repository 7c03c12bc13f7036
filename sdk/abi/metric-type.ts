// Kinds of metrics. Read by asc and by tsc.

/** Only ever grows; `record` adds, too. */
export const Counter = 0;
/** Below 0 it wraps to 2^64 - n. */
export const Gauge = 1;
/** Is only recorded: increment and get answer BadArgument. */
export const Histogram = 2;
