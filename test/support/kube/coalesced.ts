/** Work that brings something up to date: while it runs, any number of requests make it run once more. */
export class Coalesced {
  readonly #work: () => Promise<void>;
  #requested = false;
  #running: Promise<void> | undefined;

  /** @param work must not reject */
  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves when no more is to be done: after this request and those that came meanwhile. */
  request(): Promise<void> {
    this.#requested = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  async #run(): Promise<void> {
    while (this.#requested) {
      this.#requested = false;
      await this.#work();
    }
    this.#running = undefined;
  }
}
