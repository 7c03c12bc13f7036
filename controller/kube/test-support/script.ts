// An API server for one kind of object that does what a test tells it, call by call.
import { until } from "../../../test/support/wait.ts";
import type { KubeObject, ObjectList, WatchEvent } from "../api.ts";

export function object(name: string, resourceVersion = "1"): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Thing",
    metadata: { name, namespace: "shop", uid: `uid-${name}`, resourceVersion },
  };
}

export function event(type: WatchEvent["type"], name: string, resourceVersion: string): WatchEvent {
  return { type, object: object(name, resourceVersion) };
}

export function bookmark(resourceVersion: string): WatchEvent {
  return event("BOOKMARK", "", resourceVersion);
}

export function status(code: number): unknown {
  return { kind: "Status", apiVersion: "v1", status: "Failure", code, reason: "Expired", message: "too old" };
}

interface Call {
  /** `list`, `watch 10` */
  readonly what: string;
  answer(items: readonly KubeObject[], resourceVersion: string): void;
  accept(): void;
  reject(error: Error): void;
}

export class Script {
  readonly #calls: Call[] = [];
  #taken: Call | undefined;
  #stream: Stream | undefined;

  /** Calls that no test has looked at. */
  get calls(): number {
    return this.#calls.length;
  }

  list(signal: AbortSignal): Promise<ObjectList> {
    return this.#call("list", signal, (items, resourceVersion) => ({ items, resourceVersion })) as Promise<ObjectList>;
  }

  watch(resourceVersion: string, signal: AbortSignal): Promise<AsyncIterable<WatchEvent>> {
    const stream = new Stream(signal);
    return this.#call(`watch ${resourceVersion}`, signal, () => {
      this.#stream = stream;
      return stream;
    }) as Promise<AsyncIterable<WatchEvent>>;
  }

  /** Waits for the next call, which must be this one. */
  async next(what: string): Promise<Call> {
    const call = await until(() => this.#calls.shift(), `the call "${what}"`);
    if (call.what !== what) throw new Error(`the call is "${call.what}", not "${what}"`);
    this.#taken = call;
    return call;
  }

  send(...events: readonly WatchEvent[]): void {
    for (const one of events) this.#stream?.push(one);
  }

  /** The server closes the watch. */
  end(): void {
    this.#stream?.push(undefined);
  }

  /** The watch breaks. */
  fail(error: Error): void {
    this.#stream?.push(error);
  }

  /** Answers what was asked last, after whoever asked has gone. */
  answerLate(): void {
    this.#taken?.answer([object("late")], "99");
    this.#taken?.accept();
  }

  #call(what: string, signal: AbortSignal, result: (items: readonly KubeObject[], version: string) => unknown) {
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new Error("aborted")));
      this.#calls.push({
        what,
        answer: (items, version) => resolve(result(items, version)),
        accept: () => resolve(result([], "")),
        reject,
      });
    });
  }
}

/** Events in order; an error breaks it, `undefined` ends it. */
class Stream implements AsyncIterable<WatchEvent> {
  readonly #signal: AbortSignal;
  readonly #waiting: (WatchEvent | Error | undefined)[] = [];
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake());
  }

  push(item: WatchEvent | Error | undefined): void {
    this.#waiting.push(item);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent> {
    for (;;) {
      if (this.#signal.aborted) throw new Error("aborted");
      if (this.#waiting.length === 0) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const item = this.#waiting.shift();
      if (item === undefined) return;
      if (item instanceof Error) throw item;
      yield item;
    }
  }
}
