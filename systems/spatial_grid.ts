/**
 * A spatial grid finds the points near a place without looking at all of them.
 * Space is cut into cubes, and the points are sorted by cube with a counting
 * sort, so that the points of a cube lie side by side, in the order of their rows.
 *
 * The grid has a fixed number of cells and wraps around like a torus: cubes that
 * are `CELLS_PER_AXIS` apart share a cell. So it covers the whole of space at no
 * cost, and points that meet in a cell from afar are told apart by their distance.
 *
 * @module
 */

/** A power of two, so that wrapping is a mask; at least 3, so that neighbouring cells differ. */
const CELLS_PER_AXIS = 32;
const MASK = CELLS_PER_AXIS - 1;
const CELLS = CELLS_PER_AXIS ** 3;

/** A place is within reach of points in its own cell and in those around it. */
const CELLS_SEARCHED = 27;

export interface SpatialGridOptions {
  /** Edge of a cube, which is also how far a search reaches. */
  readonly cellSize: number;
  /** Points of one cell that a search looks at, those of the lowest rows; bounds its work. */
  readonly cellPointsMax: number;
}

export class SpatialGrid {
  /** The most rows that a search finds. */
  readonly foundMax: number;
  readonly #options: SpatialGridOptions;
  /** The points of cell c are those from `starts[c]` to `starts[c + 1]`. */
  readonly #starts = new Uint32Array(CELLS + 1);
  /** By cell: the points' rows, and a copy of their coordinates. */
  readonly #rows: Uint32Array;
  readonly #points: Float32Array;

  /** `points` has three coordinates per row. */
  constructor(points: ArrayLike<number>, options: SpatialGridOptions) {
    const count = points.length / 3;
    this.#options = options;
    this.foundMax = CELLS_SEARCHED * options.cellPointsMax;
    this.#rows = new Uint32Array(count);
    this.#points = new Float32Array(points.length);

    const cells = new Uint32Array(count);
    for (let row = 0; row < count; row++) {
      const [x, y, z] = [points[3 * row], points[3 * row + 1], points[3 * row + 2]];
      cells[row] = cellOf(this.#cube(x), this.#cube(y), this.#cube(z));
    }
    this.#sort(points, cells);
  }

  /**
   * Writes the rows of the points less than one cell size away from `place` to
   * `found`, which has room for `foundMax`, and returns their number.
   */
  findNear(place: ArrayLike<number>, found: Uint32Array): number {
    const [x, y, z] = [place[0], place[1], place[2]];
    const [cubeX, cubeY, cubeZ] = [this.#cube(x), this.#cube(y), this.#cube(z)];
    const { cellPointsMax, cellSize } = this.#options;
    const reachSquared = cellSize * cellSize;
    const starts = this.#starts;
    const points = this.#points;
    const rows = this.#rows;
    let count = 0;
    for (let i = 0; i < CELLS_SEARCHED; i++) {
      const cell = cellOf(cubeX + NEAR_X[i], cubeY + NEAR_Y[i], cubeZ + NEAR_Z[i]);
      const end = Math.min(starts[cell + 1], starts[cell] + cellPointsMax);
      for (let at = starts[cell]; at < end; at++) {
        const dx = points[3 * at] - x;
        const dy = points[3 * at + 1] - y;
        const dz = points[3 * at + 2] - z;
        if (dx * dx + dy * dy + dz * dz < reachSquared) found[count++] = rows[at];
      }
    }
    return count;
  }

  /** Counting sort: count the points per cell, add up where each cell starts, place the points. */
  #sort(points: ArrayLike<number>, cells: Uint32Array): void {
    const starts = this.#starts;
    for (const cell of cells) starts[cell + 1]++;
    for (let cell = 0; cell < CELLS; cell++) starts[cell + 1] += starts[cell];
    const next = starts.slice();
    for (let row = 0; row < cells.length; row++) {
      const at = next[cells[row]]++;
      this.#rows[at] = row;
      for (let axis = 0; axis < 3; axis++) this.#points[3 * at + axis] = points[3 * row + axis];
    }
  }

  /** Number of the cube that a coordinate falls into, along its axis. */
  #cube(coordinate: number): number {
    return Math.floor(coordinate / this.#options.cellSize);
  }
}

function cellOf(x: number, y: number, z: number): number {
  return ((x & MASK) * CELLS_PER_AXIS + (y & MASK)) * CELLS_PER_AXIS + (z & MASK);
}

/** Steps to the cells that are searched, along each axis. */
const NEAR = Array.from({ length: CELLS_SEARCHED }, (_, i) => i);
const NEAR_X = NEAR.map((i) => Math.floor(i / 9) - 1);
const NEAR_Y = NEAR.map((i) => Math.floor(i / 3) % 3 - 1);
const NEAR_Z = NEAR.map((i) => i % 3 - 1);
