// What proxy_on_request_body, proxy_on_response_body and the TCP data callbacks return. Read by asc and by tsc.
// Trailers and TCP know Continue (0) and "stop" (1) only.
// @see Envoy FilterDataStatus. A value above the range counts as StopIterationNoBuffer.

export const Continue = 0;
/** Hold the body; the next callback's size covers all that is held. */
export const StopIterationAndBuffer = 1;
/** Hold the body, slowing the sender at the buffer limit; sizes are those of the chunk. */
export const StopIterationAndWatermark = 2;
/** Take the chunk out of the stream. */
export const StopIterationNoBuffer = 3;
