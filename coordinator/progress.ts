/**
 * How far a long work is, on one line of a terminal that it leaves empty.
 *
 * @module
 */
export class Progress implements Disposable {
  readonly #label: string;
  readonly #options: { readonly isShown: boolean; write(text: string): void };
  #percent = -1;

  constructor(label: string, options: { isShown: boolean; write(text: string): void }) {
    this.#label = label;
    this.#options = options;
  }

  /** Shows that `done` of `total` is done. */
  show(done: number, total: number): void {
    const percent = total === 0 ? 100 : Math.floor(100 * done / total);
    if (!this.#options.isShown || percent === this.#percent) return;
    this.#percent = percent;
    this.#options.write(`\r${this.#label}: ${percent} %`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#percent < 0) return;
    this.#percent = -1;
    this.#options.write("\r\x1b[K");
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
