/**
 * Where moving entities are and were, in buffers that a GPU takes as they are: each
 * entity has a slot with the position that it comes from and the one that it goes to.
 *
 * @module
 */

export interface Placement {
  readonly entities: ArrayLike<number>;
  /** One position per entity, of `stride` numbers, of which up to three count. */
  readonly positions: ArrayLike<number>;
  readonly stride: number;
  /** What the entities are coloured by. */
  readonly kind: number;
}

const CAPACITY_FIRST = 1024;
/** A span between updates beyond which one does not glide from the old place to the new. */
const SPAN_MS_MAX = 500;

export class Motion {
  /** Whether entities glide from update to update, rather than be where the last one says. */
  isGliding = true;
  readonly #capacityMax: number;
  readonly #slots = new Map<number, number>();
  #entities = new Float64Array(CAPACITY_FIRST);
  #from = new Float32Array(3 * CAPACITY_FIRST);
  #to = new Float32Array(3 * CAPACITY_FIRST);
  #kinds = new Float32Array(CAPACITY_FIRST);
  #count = 0;
  #startedAt = 0;
  #spanMs = 0;
  #version = 0;

  constructor({ capacityMax }: { capacityMax: number }) {
    this.#capacityMax = capacityMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Changes with whatever the buffers hold. */
  get version(): number {
    return this.#version;
  }

  get from(): Float32Array<ArrayBuffer> {
    return this.#from.subarray(0, 3 * this.#count);
  }

  get to(): Float32Array<ArrayBuffer> {
    return this.#to.subarray(0, 3 * this.#count);
  }

  get kinds(): Float32Array<ArrayBuffer> {
    return this.#kinds.subarray(0, this.#count);
  }

  entityAt(slot: number): number {
    return this.#entities[slot];
  }

  slotOf(entity: number): number | undefined {
    return this.#slots.get(entity);
  }

  /** How far along all are from where they come from to where they go, 0 to 1. */
  progress(nowMs: number): number {
    return this.#spanMs === 0 || !this.isGliding
      ? 1
      : Math.min(1, (nowMs - this.#startedAt) / this.#spanMs);
  }

  /** Where an entity is now; undefined for one that is not there. */
  positionOf(entity: number, nowMs: number): [number, number, number] | undefined {
    const slot = this.#slots.get(entity);
    if (slot === undefined) return undefined;
    const share = this.progress(nowMs);
    const at = (k: number) => {
      const from = this.#from[3 * slot + k];
      return from + share * (this.#to[3 * slot + k] - from);
    };
    return [at(0), at(1), at(2)];
  }

  clear(): void {
    this.#slots.clear();
    this.#count = 0;
    this.#spanMs = 0;
    this.#version++;
  }

  /** A new update begins: everyone is now where they were shown to be. */
  begin(nowMs: number): void {
    const share = this.progress(nowMs);
    const length = 3 * this.#count;
    for (let i = 0; i < length; i++) {
      this.#from[i] += share * (this.#to[i] - this.#from[i]);
    }
    const span = nowMs - this.#startedAt;
    this.#spanMs = span > SPAN_MS_MAX ? 0 : span;
    this.#startedAt = nowMs;
    this.#version++;
  }

  /** Entities that came or moved; those beyond what is kept are left out. */
  place({ entities, positions, stride, kind }: Placement): void {
    const lanes = Math.min(stride, 3);
    for (let i = 0; i < entities.length; i++) {
      const known = this.#slots.get(entities[i]);
      const slot = known ?? this.#add(entities[i]);
      if (slot === undefined) continue;
      for (let k = 0; k < 3; k++) {
        const value = k < lanes ? positions[i * stride + k] : 0;
        this.#to[3 * slot + k] = value;
        if (known === undefined || this.#spanMs === 0) this.#from[3 * slot + k] = value;
      }
      this.#kinds[slot] = kind;
    }
    this.#version++;
  }

  remove(entities: ArrayLike<number>): void {
    for (let i = 0; i < entities.length; i++) {
      const slot = this.#slots.get(entities[i]);
      if (slot !== undefined) this.#removeSlot(slot);
    }
    this.#version++;
  }

  #add(entity: number): number | undefined {
    if (this.#count >= this.#capacityMax) return undefined;
    if (this.#count >= this.#entities.length) this.#grow();
    const slot = this.#count++;
    this.#slots.set(entity, slot);
    this.#entities[slot] = entity;
    return slot;
  }

  /** The last one takes the place. */
  #removeSlot(slot: number): void {
    const last = --this.#count;
    this.#slots.delete(this.#entities[slot]);
    if (slot === last) return;
    this.#entities[slot] = this.#entities[last];
    this.#slots.set(this.#entities[slot], slot);
    this.#kinds[slot] = this.#kinds[last];
    for (const array of [this.#from, this.#to]) {
      array.copyWithin(3 * slot, 3 * last, 3 * last + 3);
    }
  }

  #grow(): void {
    const capacity = 2 * this.#entities.length;
    this.#entities = copyInto(new Float64Array(capacity), this.#entities);
    this.#from = copyInto(new Float32Array(3 * capacity), this.#from);
    this.#to = copyInto(new Float32Array(3 * capacity), this.#to);
    this.#kinds = copyInto(new Float32Array(capacity), this.#kinds);
  }
}

function copyInto<T extends Float32Array | Float64Array>(target: T, source: T): T {
  target.set(source);
  return target;
}
