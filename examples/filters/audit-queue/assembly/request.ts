import { HttpContext, log, resolveQueue, Status } from "@sluice/sdk/assembly";

/** Leaves a line in the queue when it is over. */
export class AuditedRequest extends HttpContext {
  constructor(private sendTo: string) {
    super();
  }

  onLog(): void {
    const headers = this.requestHeaders.snapshot();
    const line = [
      this.properties.u64("response.code").toString(),
      or(headers.get(":method"), "-"), // a request that Envoy could not read has neither
      or(headers.get(":path"), "-"), // CONNECT has none
      or(headers.get("x-consumer"), "-"),
    ].join(" ");
    const queue = resolveQueue(this.sendTo, "audit"); // asked each time: the collector may come and go
    if (queue == null || queue.enqueueText(line) != Status.Ok) log.warn("nobody collects: " + line);
  }
}

function or(text: string | null, other: string): string {
  return text == null ? other : text;
}
