// The callback of the host that runs. Some calls crash Envoy in some callbacks, or make a stream go on twice, or stand; by what
// is noted here they are refused, or become the callback's result.

/** The context that was called. */
let running: u32 = 0;
/** The direction of stream-type.ts that its result stops; -1: none. */
let asked: i32 = -1;
/** The body of buffer-type.ts that it brings a chunk of; -1: none. */
let brought: i32 = -1;
/** It has continued that direction. */
let continued: bool = false;
/** It is `onLog`, `onDone` or `onDelete`. */
let ending: bool = false;

export function beginCallback(id: u32): void {
  running = id;
  asked = -1;
  brought = -1;
  continued = false;
  ending = false;
}

/** Says of the callback that it can stop a direction of stream-type.ts. */
export function askAbout(direction: i32): void {
  asked = direction;
}

/** Says of the callback that it brings a chunk of a body of buffer-type.ts. */
export function bring(body: i32): void {
  brought = body;
}

/** Whether the callback brings the context with this id a chunk of the body. */
export function brings(id: u32, body: i32): bool {
  return running == id && brought == body;
}

/**
 * Notes that a context goes on. False where Envoy must be told: by a callback whose own stream goes on, it hears of that from the
 * result. Told it as well, it would go on twice, or hold what follows for ever.
 */
export function continueByResult(id: u32, direction: i32): bool {
  if (running != id || asked != direction) return false;
  continued = true;
  return true;
}

/** The callback's result: an action, or 0, Continue, whatever that says. */
export function resultOf<T>(action: T): T {
  return continued ? <T>0 : action;
}

/** Says of the callback that its request, connection or plugin is over. */
export function end(): void {
  ending = true;
}

/** Whether the request is over: headers that change then make Envoy report a bug of its own, with a stack trace. */
export function isEnding(): bool {
  return ending;
}

/** Whether the context with this id is over: Envoy crashes where it is answered or closed. */
export function isOver(id: u32): bool {
  return ending && running == id;
}
