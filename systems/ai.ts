/**
 * Flocking: steers every boid by the boids around it, by the three rules of
 * Craig Reynolds: keep your distance, fly as the others fly, stay with them
 * ("Flocks, Herds, and Schools", SIGGRAPH 1987).
 *
 * Each rule changes the velocity that a boid would like to have, and the force
 * pulls the actual velocity towards it ("Steering Behaviors for Autonomous
 * Characters", GDC 1999). A step shorter than the response time then ends between
 * the two, and since the one that is liked is never faster than `SPEED_MAX`, no boid
 * gets faster than that.
 *
 * @module
 */
import { vec3 } from "gl-matrix";
import { type BroadcastSet, defineSystem } from "orrery";
import { Force, Transform3D, Velocity } from "../manifests/components.ts";
import { SpatialGrid } from "./spatial_grid.ts";

/** How far a boid sees the others, in metres. */
const SIGHT = 7;
/** How close they may come before it moves away, in metres. */
const PERSONAL_SPACE = 4;
/** Boids that it takes notice of in each cell around it. */
const CELL_BOIDS_MAX = 32;

/** What a neighbour at no distance at all adds to the velocity liked, in m/s. */
const SEPARATION = 6;
/** Share of the difference to the others' mean velocity. */
const ALIGNMENT = 0.5;
/** Share of the way to the others' mean place that it would like to go in a second. */
const COHESION = 0.3;

/** In m/s. */
export const SPEED_MIN = 8;
export const SPEED_MAX = 16;
/** How long it takes a boid of 1 kg to take on the velocity that it likes, in seconds. */
const RESPONSE = 0.5;
/** In newtons. */
const FORCE_MAX = 40;

/** What the boids are steered by, made once for all shards of a tick. */
interface Flock {
  readonly translation: ArrayLike<number>;
  readonly linear: ArrayLike<number>;
  readonly grid: SpatialGrid;
}

export default defineSystem(import.meta, ({ rows, broadcast }) => {
  const flock = broadcast.flock.derive(gatherFlock);
  const { translation } = rows.read(Transform3D);
  const { linear } = rows.read(Velocity);
  const { value: force } = rows.write(Force);
  const boid = new Boid(flock);

  for (let i = 0; i < force.length; i += 3) {
    vec3.set(boid.position, translation[i], translation[i + 1], translation[i + 2]);
    vec3.set(boid.velocity, linear[i], linear[i + 1], linear[i + 2]);
    force.set(boid.steer(), i);
  }
});

function gatherFlock(set: BroadcastSet): Flock {
  const { translation } = set.read(Transform3D);
  const { linear } = set.read(Velocity);
  const grid = new SpatialGrid(translation, { cellSize: SIGHT, cellPointsMax: CELL_BOIDS_MAX });
  return { translation, linear, grid };
}

/** The boid that is being steered; one object serves them all, one after the other. */
class Boid {
  readonly position = vec3.create();
  readonly velocity = vec3.create();
  readonly #flock: Flock;
  readonly #neighbours: Uint32Array;
  readonly #force = vec3.create();
  /** Sums over the neighbours: the ways out from them, their velocities, the ways to them. */
  readonly #away = vec3.create();
  readonly #velocities = vec3.create();
  readonly #towards = vec3.create();

  constructor(flock: Flock) {
    this.#flock = flock;
    this.#neighbours = new Uint32Array(flock.grid.foundMax);
  }

  /** The force that turns its velocity into the one that it would like to have. */
  steer(): vec3 {
    const { velocity } = this;
    const force = this.#force;
    const liked = vec3.copy(force, velocity);
    const count = this.#lookAround();
    if (count > 0) {
      vec3.scaleAndAdd(liked, liked, this.#away, SEPARATION);
      vec3.scaleAndAdd(liked, liked, this.#velocities, ALIGNMENT / count);
      vec3.scaleAndAdd(liked, liked, velocity, -ALIGNMENT);
      vec3.scaleAndAdd(liked, liked, this.#towards, COHESION / count);
    }
    clampLength(liked, { min: SPEED_MIN, max: SPEED_MAX });
    vec3.subtract(force, liked, velocity);
    vec3.scale(force, force, 1 / RESPONSE);
    return clampLength(force, { min: 0, max: FORCE_MAX });
  }

  /** Sums up the neighbours, in the order of the grid, and returns their number. */
  #lookAround(): number {
    const { position } = this;
    const { translation, linear, grid } = this.#flock;
    const neighbours = this.#neighbours;
    const [away, velocities, towards] = [this.#away, this.#velocities, this.#towards];
    vec3.zero(away);
    vec3.zero(velocities);
    vec3.zero(towards);
    const found = grid.findNear(position, neighbours);
    let count = 0;
    for (let k = 0; k < found; k++) {
      const j = 3 * neighbours[k];
      const dx = translation[j] - position[0];
      const dy = translation[j + 1] - position[1];
      const dz = translation[j + 2] - position[2];
      const distance = Math.sqrt(dx * dx + dy * dy + dz * dz);
      // It is itself, or in the very same place, from where no direction leads away.
      if (distance === 0) continue;
      add(towards, dx, dy, dz);
      add(velocities, linear[j], linear[j + 1], linear[j + 2]);
      if (distance < PERSONAL_SPACE) {
        const push = (distance / PERSONAL_SPACE - 1) / distance;
        add(away, push * dx, push * dy, push * dz);
      }
      count++;
    }
    return count;
  }
}

function add(sum: vec3, x: number, y: number, z: number): void {
  sum[0] += x;
  sum[1] += y;
  sum[2] += z;
}

/** Shortens or lengthens `vector`; without a direction it stays zero. */
function clampLength(vector: vec3, { min, max }: { min: number; max: number }): vec3 {
  const length = vec3.length(vector);
  if (length === 0) return vector;
  return vec3.scale(vector, vector, Math.max(min, Math.min(max, length)) / length);
}
