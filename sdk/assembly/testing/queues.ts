// Two plugins with a queue between them: the one whose configuration is not empty works off what the other's requests bring.
import {
  Config,
  HeadersAction,
  HttpContext,
  log,
  Plugin,
  Queue,
  registerPlugin,
  registerQueue,
  resolveQueue,
} from "@sluice/sdk/assembly";

class Queues extends Plugin {
  onConfigure(config: Config): void {
    if (!config.bytes.length) return;
    const none = resolveQueue("", "nothing");
    const made = registerQueue("work");
    const again = resolveQueue("", "work");
    log.info("registered " + (none == null).toString() + " " + (made == again).toString());
  }

  onQueueReady(queue: Queue): void {
    const bytes = queue.dequeue();
    const text = queue.dequeueText();
    log.info("took " + (bytes == null ? "none" : bytes.toString()) + " and " + (text == null ? "none" : text));
  }

  createHttpContext(): HttpContext {
    return new QueuesStream();
  }
}

class QueuesStream extends HttpContext {
  onRequestHeaders(endOfStream: bool): HeadersAction {
    const queue = resolveQueue("worker", "work");
    if (queue == null) {
      this.sendLocalReply({ status: 404 });
      return HeadersAction.StopIteration;
    }
    const bytes = new Uint8Array(2);
    bytes[1] = 255;
    const statuses = [
      queue.enqueue(bytes),
      queue.enqueueText("é"),
      queue.enqueueText(""),
      new Queue(99).enqueueText("x"),
    ];
    this.sendLocalReply({ status: 200, body: statuses.join(" ") });
    return HeadersAction.StopIteration;
  }
}

registerPlugin(() => new Queues());
