/**
 * A set of entities, a bit each: they are numbered one after the other, and those
 * that belong together often came together.
 *
 * @module
 */
import type { Entity } from "../lib/ecs/entity.ts";

const BLOCK_ENTITIES = 1024;
const WORD_BITS = 32;

interface Block {
  readonly words: Uint32Array;
  size: number;
}

export class EntitySet {
  /** By an entity's number divided by the block's size; only those that are not empty. */
  readonly #blocks = new Map<number, Block>();
  #size = 0;
  #lastNumber = NaN;
  #last: Block | undefined;

  get size(): number {
    return this.#size;
  }

  has(entity: Entity): boolean {
    const place = entity % BLOCK_ENTITIES;
    const block = this.#blockOf(entity);
    return block !== undefined && (block.words[place >>> 5] & (1 << (place & 31))) !== 0;
  }

  /** False when it is there already. */
  add(entity: Entity): boolean {
    const place = entity % BLOCK_ENTITIES;
    const block = this.#blockOf(entity) ?? this.#addBlock(Math.floor(entity / BLOCK_ENTITIES));
    const bit = 1 << (place & 31);
    if ((block.words[place >>> 5] & bit) !== 0) return false;
    block.words[place >>> 5] |= bit;
    block.size++;
    this.#size++;
    return true;
  }

  /** False when it is not there. */
  delete(entity: Entity): boolean {
    const place = entity % BLOCK_ENTITIES;
    const block = this.#blockOf(entity);
    const bit = 1 << (place & 31);
    if (block === undefined || (block.words[place >>> 5] & bit) === 0) return false;
    block.words[place >>> 5] &= ~bit;
    this.#size--;
    if (--block.size === 0) this.#deleteBlock(Math.floor(entity / BLOCK_ENTITIES));
    return true;
  }

  clear(): void {
    this.#blocks.clear();
    this.#size = 0;
    this.#lastNumber = NaN;
  }

  /**
   * Calls `visit` for each entity until it returns false. Those whose block was
   * filled first come first; `visit` may delete the entity that it is called for.
   */
  visit(visit: (entity: Entity) => boolean): void {
    for (const [number, { words }] of this.#blocks) {
      for (let word = 0; word < words.length; word++) {
        for (let bits = words[word]; bits !== 0; bits &= bits - 1) {
          const bit = 31 - Math.clz32(bits & -bits);
          if (!visit(number * BLOCK_ENTITIES + word * WORD_BITS + bit)) return;
        }
      }
    }
  }

  #blockOf(entity: Entity): Block | undefined {
    const number = Math.floor(entity / BLOCK_ENTITIES);
    if (number !== this.#lastNumber) {
      this.#last = this.#blocks.get(number);
      this.#lastNumber = number;
    }
    return this.#last;
  }

  #addBlock(number: number): Block {
    const block = { words: new Uint32Array(BLOCK_ENTITIES / WORD_BITS), size: 0 };
    this.#blocks.set(number, block);
    this.#lastNumber = NaN;
    return block;
  }

  #deleteBlock(number: number): void {
    this.#blocks.delete(number);
    this.#lastNumber = NaN;
  }
}
