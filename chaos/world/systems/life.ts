/**
 * Everything ages, comes of age, and goes in the end, when it leaves a child. So
 * the number of entities stays as it is, while all of them change.
 *
 * @module
 */
import { defineSystem } from "orrery";
import { Adult, Age, Position, Velocity } from "../manifests/components.ts";

const CHILDHOOD_TICKS = 20;
const LIFE_TICKS = 60;
/** Lives differ by as much, so that some end in each tick. */
const SPREAD_TICKS = 64;

export default defineSystem(import.meta, ({ rows, commands }) => {
  const { value: position } = rows.read(Position);
  const { value: velocity } = rows.read(Velocity);
  const { ticks: age } = rows.write(Age);
  for (let row = 0; row < rows.count; row++) {
    const entity = rows.entities[row];
    const spread = entity % SPREAD_TICKS;
    age[row]++;
    if (age[row] === CHILDHOOD_TICKS + (spread >> 2)) commands.add(entity, Adult);
    if (age[row] < LIFE_TICKS + spread) continue;
    const at = (column: ArrayLike<number>) =>
      Array.from({ length: 3 }, (_, i) => column[3 * row + i]);
    commands.despawn(entity);
    commands.spawn(
      [Position, { value: at(position) }],
      [Velocity, { value: at(velocity).reverse() }],
      [Age],
    );
  }
});
