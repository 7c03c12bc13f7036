// Calls that are on their way, by the token under which the host brings their answer. An answer is for the context that
// made the call; the host itself only knows the plugin.
import { Context } from "./context";
import { findContext } from "./context-table";

/** What waits for an answer. */
export abstract class Handler {}

@final
class Waiting {
  constructor(
    readonly contextId: u32,
    readonly handler: Handler,
  ) {}
}

class Callouts {
  /** Made with the first call: a filter without calls carries nothing of this. */
  // @ts-ignore: decorator
  @lazy static waiting: Map<u32, Waiting> = new Map<u32, Waiting>();
}

/** Notes who waits for the answers to this token. */
export function awaitAnswer(token: u32, context: Context, handler: Handler): void {
  Callouts.waiting.set(token, new Waiting(context.id, handler));
}

/**
 * Who waits for the answers to this token, with its context made effective; null if nobody does any more: the stream that made
 * the call is over, or it was cancelled.
 */
export function findWaiting<T extends Handler>(token: u32): T | null {
  if (!Callouts.waiting.has(token)) return null;
  const waiting = Callouts.waiting.get(token);
  const context = findContext<Context>(waiting.contextId);
  if (context == null) {
    Callouts.waiting.delete(token);
    return null;
  }
  context.makeEffective();
  return changetype<T>(waiting.handler);
}

/** No more answers are wanted to this token. */
export function forgetCallout(token: u32): void {
  Callouts.waiting.delete(token);
}
