/**
 * The pages of a long list that have been fetched. A page may be stale: it is shown
 * until its newer self has come. What was not looked at for longest is dropped.
 *
 * @module
 */

export interface PageCacheOptions {
  readonly pageRows: number;
  /** Pages kept, beyond which the one that was used longest ago goes. */
  readonly pagesMax: number;
}

interface Page<T> {
  readonly rows: readonly T[];
  /** The list's generation that it was asked for in. */
  readonly generation: number;
}

export class PageCache<T> {
  readonly #options: PageCacheOptions;
  /** The one used last is at the end. */
  readonly #pages = new Map<number, Page<T>>();
  #generation = 0;
  #total = 0;

  constructor(options: PageCacheOptions) {
    this.#options = options;
  }

  get total(): number {
    return this.#total;
  }

  get generation(): number {
    return this.#generation;
  }

  /** Empties it: another list is to be shown. */
  clear(): void {
    this.#pages.clear();
    this.#generation++;
    this.#total = 0;
  }

  /** Has every page fetched again when it is next needed; what is there is shown until then. */
  expire(): void {
    this.#generation++;
  }

  /** The row at `index`; undefined while it has not come. */
  at(index: number): T | undefined {
    const { pageRows } = this.#options;
    return this.#pages.get(Math.floor(index / pageRows))?.rows[index % pageRows];
  }

  /** The pages that rows `first` to `last` lie on and that are missing or stale. */
  missing(first: number, last: number): number[] {
    const { pageRows } = this.#options;
    const pages: number[] = [];
    for (let page = Math.floor(first / pageRows); page <= Math.floor(last / pageRows); page++) {
      if (this.#pages.get(page)?.generation !== this.#generation) pages.push(page);
      else this.#touch(page);
    }
    return pages;
  }

  /** Takes a page that was asked for in `generation`; false where that list is no more shown. */
  put(
    page: number,
    { rows, total, generation }: { rows: readonly T[]; total: number; generation: number },
  ): boolean {
    const known = this.#pages.get(page);
    if (generation < (known?.generation ?? 0)) return false;
    this.#total = total;
    this.#pages.delete(page);
    this.#pages.set(page, { rows, generation });
    const oldest = this.#pages.keys().next();
    if (this.#pages.size > this.#options.pagesMax && !oldest.done) {
      this.#pages.delete(oldest.value);
    }
    return true;
  }

  /** Replaces rows by what `change` makes of them; undefined leaves one as it is. */
  update(change: (row: T) => T | undefined): void {
    for (const [number, page] of this.#pages) {
      let rows: T[] | undefined;
      for (const [i, row] of page.rows.entries()) {
        const changed = change(row);
        if (changed === undefined) continue;
        rows ??= [...page.rows];
        rows[i] = changed;
      }
      if (rows) this.#pages.set(number, { ...page, rows });
    }
  }

  #touch(page: number): void {
    const known = this.#pages.get(page);
    if (known === undefined) return;
    this.#pages.delete(page);
    this.#pages.set(page, known);
  }
}
