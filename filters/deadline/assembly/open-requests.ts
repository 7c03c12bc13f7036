import { Request } from "./request";

/** The requests of one worker that are open and have a deadline: a doubly linked list, so that nothing is allocated. */
@final
export class OpenRequests {
  private first: Request | null = null;

  get isEmpty(): bool {
    return this.first == null;
  }

  add(request: Request): void {
    const next = this.first;
    request.following = next;
    if (next != null) next.previous = request;
    this.first = request;
    request.isOpen = true;
  }

  /** Forgets a request, if it is there. */
  remove(request: Request): void {
    if (!request.isOpen) return;
    request.isOpen = false;
    const previous = request.previous;
    const next = request.following;
    if (previous == null) this.first = next;
    else previous.following = next;
    if (next != null) next.previous = previous;
    request.previous = null;
    request.following = null;
  }

  /** Ends those whose deadline has passed. */
  endPassed(now: i64): void {
    let request = this.first;
    while (request != null) {
      const next = request.following;
      if (now >= request.deadline) request.end();
      request = next;
    }
  }
}
