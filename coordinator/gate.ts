/**
 * The gate that every tick passes: open while the world runs, shut while it is
 * paused, and open for a number of ticks when it is stepped.
 *
 * @module
 */
export class Gate {
  #isOpen = true;
  #steps = 0;
  #waiting: (() => void) | undefined;

  /** True unless paused. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Resolves when the next tick may begin. */
  async pass(): Promise<void> {
    while (!this.#isOpen && this.#steps === 0) {
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
    if (!this.#isOpen) this.#steps--;
  }

  pause(): void {
    this.#isOpen = false;
    this.#steps = 0;
  }

  open(): void {
    this.#isOpen = true;
    this.#wake();
  }

  /** Lets `ticks` ticks through, and pauses. */
  step(ticks: number): void {
    this.#isOpen = false;
    this.#steps = ticks;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}
