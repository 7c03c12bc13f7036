// Who closed a TCP connection. Read by asc and by tsc.

export const Unknown = 0;
export const Local = 1;
export const Remote = 2;
