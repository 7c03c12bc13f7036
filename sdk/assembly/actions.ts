import * as data from "../abi/data-action";
import * as headers from "../abi/headers-action";

/** What becomes of a stream after its headers. Envoy's FilterHeadersStatus. */
export enum HeadersAction {
  /** On to the next filter. */
  Continue = headers.Continue,
  /** Hold headers and body until `continueRequest` or `continueResponse`. */
  StopIteration = headers.StopIteration,
  /** Hold both; the body is buffered up to Envoy's limit, then refused with 413 or 500. */
  StopAllIterationAndBuffer = headers.StopAllIterationAndBuffer,
  /** Hold both; the sender is slowed down at the limit. */
  StopAllIterationAndWatermark = headers.StopAllIterationAndWatermark,
}

/** What becomes of a chunk of body. Envoy's FilterDataStatus. */
export enum DataAction {
  /** On to the next filter. */
  Continue = data.Continue,
  /** Hold it; the next callback's size covers all that is held. */
  StopIterationAndBuffer = data.StopIterationAndBuffer,
  /** Hold it, slowing the sender at Envoy's limit; sizes are those of the chunk. */
  StopIterationAndWatermark = data.StopIterationAndWatermark,
  /** Take it out of the stream. */
  StopIterationNoBuffer = data.StopIterationNoBuffer,
}
