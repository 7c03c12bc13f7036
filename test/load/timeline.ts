// Calls at a fixed rate, whether they are answered or not, and what came of them in each second.
import { Agent, type IncomingHttpHeaders } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { call } from "../support/http.ts";

/** By it the server knows in which second the call was made. */
const header = "x-second";

/** Counts, a place for each second. */
export class Timeline {
  readonly seconds: number;
  readonly calls: number[];
  readonly successes: number[];
  /** Attempts that have reached the server of the calls of a second, and within it. */
  readonly attemptsOfCalls: number[];
  readonly attempts: number[];
  #startMs = 0;

  constructor(seconds: number) {
    this.seconds = seconds;
    const zeros = () => Array.from({ length: seconds }, () => 0);
    [this.calls, this.successes, this.attemptsOfCalls, this.attempts] = [zeros(), zeros(), zeros(), zeros()];
  }

  /** An attempt has arrived at the server. */
  countAttempt(headers: IncomingHttpHeaders): void {
    add(this.attemptsOfCalls, Number(headers[header]));
    add(this.attempts, Math.floor((performance.now() - this.#startMs) / 1000));
  }

  /** Calls until the time is over, and what of them is open has ended. @param perSecond how many, by second */
  async run(port: number, perSecond: (second: number) => number): Promise<void> {
    const agent = new Agent({ keepAlive: true });
    this.#startMs = performance.now();
    const open = new Set<Promise<void>>();
    let dueMs = this.#startMs;
    for (let second = 0; second < this.seconds; second = Math.floor((dueMs - this.#startMs) / 1000)) {
      await pause(Math.max(dueMs - performance.now(), 0));
      dueMs += 1000 / perSecond(second);
      const one = this.#call(port, agent, second).finally(() => open.delete(one));
      open.add(one);
    }
    await Promise.all(open);
    agent.destroy();
  }

  async #call(port: number, agent: Agent, second: number): Promise<void> {
    add(this.calls, second);
    const { status } = await call({ host: "127.0.0.1", port, agent, headers: { [header]: String(second) } });
    if (status === 200) add(this.successes, second);
  }
}

function add(counts: number[], second: number): void {
  const count = counts[second];
  if (count !== undefined) counts[second] = count + 1;
}
