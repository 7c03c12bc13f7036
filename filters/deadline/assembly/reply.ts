import { HttpContext } from "@sluice/sdk/assembly";
import { EXCEEDED, writeOutcome } from "./state";

/** Answers a request whose deadline has passed: 504, to gRPC `DEADLINE_EXCEEDED`. */
export function replyExceeded(stream: HttpContext): void {
  writeOutcome(stream.filterState, EXCEEDED);
  stream.sendLocalReply({
    status: 504,
    headers: [["x-deadline", EXCEEDED]],
    body: "deadline exceeded",
    grpcStatus: 4,
    details: "deadline_exceeded",
  });
}
