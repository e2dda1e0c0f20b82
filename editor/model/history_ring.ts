/**
 * The last samples of some curves, as a chart takes them: the moments first, then one
 * list per curve.
 *
 * @module
 */

export class HistoryRing {
  readonly #samplesMax: number;
  #times: number[] = [];
  #curves = new Map<string, (number | null)[]>();

  constructor({ samplesMax }: { samplesMax: number }) {
    this.#samplesMax = samplesMax;
  }

  get names(): string[] {
    return [...this.#curves.keys()];
  }

  get length(): number {
    return this.#times.length;
  }

  /** Adds one sample of each curve; one that is not named has none at that moment. */
  add(time: number, values: ReadonlyMap<string, number>): void {
    for (const name of values.keys()) {
      if (!this.#curves.has(name)) this.#curves.set(name, this.#times.map(() => null));
    }
    this.#times.push(time);
    for (const [name, curve] of this.#curves) curve.push(values.get(name) ?? null);
    if (this.#times.length <= this.#samplesMax) return;
    this.#times.shift();
    for (const [name, curve] of this.#curves) {
      curve.shift();
      if (curve.every((value) => value === null)) this.#curves.delete(name);
    }
  }

  /** The moments and the named curves, copied. */
  data(names: readonly string[]): [number[], ...(number | null)[][]] {
    const nothing = this.#times.map(() => null);
    return [[...this.#times], ...names.map((name) => [...this.#curves.get(name) ?? nothing])];
  }
}
