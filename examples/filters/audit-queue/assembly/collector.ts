import {
  HttpCall,
  HttpCallHandler,
  HttpCallResponse,
  joinTexts,
  log,
  Plugin,
  Queue,
  Status,
} from "@sluice/sdk/assembly";

/** Lines that one call brings to the service at most. */
const LINES_MAX = 100;

/** Brings the lines of the queue to a service, as many as there are in one call. */
@final
export class Collector {
  constructor(
    private plugin: Plugin,
    private cluster: string,
    private path: string,
  ) {}

  /** There is one event for each line: the first takes all lines that are there, the others find none. */
  collect(queue: Queue): void {
    const lines: string[] = [];
    while (lines.length < LINES_MAX) {
      const line = queue.dequeueText();
      if (line == null) break;
      lines.push(line);
    }
    if (lines.length) this.send(lines);
  }

  private send(lines: string[]): void {
    const call: HttpCall = {
      cluster: this.cluster,
      headers: [
        [":method", "POST"],
        [":path", this.path],
        [":authority", "audit"],
      ],
      body: joinTexts(lines, "\n") + "\n",
    };
    if (this.plugin.httpCall(call, new Receipt(lines.length)) != Status.Ok) log.error("no cluster " + this.cluster);
  }
}

class Receipt extends HttpCallHandler {
  constructor(private lines: i32) {
    super();
  }

  onResponse(response: HttpCallResponse): void {
    if (response.status >= 300) this.lost("status " + response.status.toString());
  }

  onFailure(): void {
    this.lost("the answer broke off");
  }

  private lost(reason: string): void {
    log.error(this.lines.toString() + " lines are lost: " + reason);
  }
}
