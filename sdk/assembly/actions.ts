import * as data from "../abi/data-action";
import * as headers from "../abi/headers-action";

/** What becomes of a stream after its headers. Envoy's FilterHeadersStatus. */
export enum HeadersAction {
  /** On to the next filter. */
  Continue = headers.Continue,
  /**
   * Hold headers and body until `continueRequest` or `continueResponse`; the callbacks of the body come after that. Where the
   * plugin sets `allow_on_headers_stop_iteration`, it holds the headers only: the callbacks of the body go on.
   */
  StopIteration = headers.StopIteration,
  /** Hold both; the body is buffered up to Envoy's limit (1 MiB by default), then refused with 413 or 500. */
  StopAllIterationAndBuffer = headers.StopAllIterationAndBuffer,
  /** Hold both; the sender is slowed down at the limit. */
  StopAllIterationAndWatermark = headers.StopAllIterationAndWatermark,
}

/**
 * What becomes of a chunk of a body. Envoy's FilterDataStatus. What is held goes on as one chunk: when a later callback returns
 * `Continue`, or by `continueRequest` or `continueResponse`.
 */
export enum DataAction {
  /** On to the next filter, and with it all that is held. */
  Continue = data.Continue,
  /**
   * Hold it, and see it again: the next callback has all that is held so far, and can change it. More than Envoy's limit (1 MiB by
   * default) is refused with 413; a response with 500, or it is cut if its headers have gone.
   */
  StopIterationAndBuffer = data.StopIterationAndBuffer,
  /** Hold it, slowing the sender down at Envoy's limit. What is held can't be seen again: each callback has its own chunk. */
  StopIterationAndWatermark = data.StopIterationAndWatermark,
  /** Take it out of the stream. The end of a stream that is taken out is held until it is let go on. */
  StopIterationNoBuffer = data.StopIterationNoBuffer,
}

/** What becomes of a stream after its trailers. Envoy's FilterTrailersStatus. */
export enum TrailersAction {
  /** On to the next filter, and with them all that is held. */
  Continue = 0,
  /** Hold them until `continueRequest` or `continueResponse`. */
  StopIteration = 1,
}
