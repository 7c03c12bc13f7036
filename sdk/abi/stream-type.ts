// Streams that proxy_continue_stream and proxy_close_stream name. Read by asc and by tsc.

export const Request = 0;
export const Response = 1;
export const Downstream = 2;
export const Upstream = 3;
