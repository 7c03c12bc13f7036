// Clocks of WASI's clock_time_get that Envoy has. Read by asc and by tsc.

/** Nanoseconds since 1970. */
export const Realtime = 0;
/** Nanoseconds since some moment; never steps back. */
export const Monotonic = 1;
