import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { EntityIndex } from "../lib/ecs/entity_index.ts";

const TABLE = 3;

/** Runs of neighbours, some of them on the border of two pages, and some far away. */
const runs = fc.array(
  fc.tuple(fc.constantFrom(1, 1000, 1020, 2047, 5000, 2 ** 40), fc.integer({ min: 1, max: 60 })),
  { maxLength: 8 },
);
const entities = runs.map((list) =>
  list.flatMap(([first, count]) => Array.from({ length: count }, (_, i) => first + i))
);

Deno.test("EntityIndex.addRows() enters what add() does, up to the first that is there", () => {
  fc.assert(fc.property(entities, fc.array(fc.integer({ min: 1, max: 1100 })), (list, before) => {
    const [one, all] = [new EntityIndex(), new EntityIndex()];
    for (const index of [one, all]) {
      new Set(before).forEach((entity) => index.add(entity, 0, 9));
    }
    let added = 0;
    for (; added < list.length && one.find(list[added]) < 0; added++) {
      one.add(list[added], TABLE, added);
    }
    assertEquals(all.addRows(Float64Array.from(list), list.length, TABLE), added);
    assertEquals(all.size, one.size);
    assertEquals([...all], [...one]);
    for (const entity of one) assertEquals(placed(all, entity), placed(one, entity));
    for (const entity of [...one]) all.delete(entity, all.find(entity));
    assertEquals([all.size, [...all]], [0, []]);
  }));
});

function placed(index: EntityIndex, entity: number) {
  const place = index.find(entity);
  return { table: index.table(place), row: index.row(place) };
}
