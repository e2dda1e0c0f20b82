/**
 * Which entities came, went, or got another row, in that order: whoever keeps an
 * eye on some rows need not look at all of them. Only the newest are remembered;
 * who has fallen behind them must look at everything.
 *
 * @module
 */
import type { Entity } from "./entity.ts";

const ENTRIES_MAX = 65_536;

export class MoveJournal {
  readonly #entities = new Float64Array(ENTRIES_MAX);
  #end = 0;

  /** Where the next entry will be; positions only grow. */
  get end(): number {
    return this.#end;
  }

  add(entity: Entity): void {
    this.#entities[this.#end++ % ENTRIES_MAX] = entity;
  }

  /** Calls `visit` for each entry from `position` on; false, without a call, when some are forgotten. */
  visitSince(position: number, visit: (entity: Entity) => void): boolean {
    if (this.#end - position > ENTRIES_MAX) return false;
    for (let i = position; i < this.#end; i++) visit(this.#entities[i % ENTRIES_MAX]);
    return true;
  }
}
