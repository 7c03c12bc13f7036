// What proxy_on_request_headers and proxy_on_response_headers return. Read by asc and by tsc.
// @see Envoy FilterHeadersStatus. A value above the range counts as StopAllIterationAndWatermark.

/** On to the next filter. */
export const Continue = 0;
/** Envoy takes it for StopAllIterationAndWatermark, unless the plugin sets allow_on_headers_stop_iteration. */
export const StopIteration = 1;
/** Envoy takes it for Continue. */
export const ContinueAndEndStream = 2;
/** Hold headers and body; the body is buffered until the buffer limit, then answered with 413 or 500. */
export const StopAllIterationAndBuffer = 3;
/** Hold headers and body; the sender is slowed down at the buffer limit. */
export const StopAllIterationAndWatermark = 4;
