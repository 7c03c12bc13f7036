// Levels of proxy_log and proxy_get_log_level. Read by asc and by tsc.

export const Trace = 0;
export const Debug = 1;
export const Info = 2;
export const Warn = 3;
export const Error = 4;
export const Critical = 5;
/** Answer of proxy_get_log_level only: nothing is logged. */
export const Off = 6;
