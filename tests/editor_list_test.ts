import { assertEquals, assertThrows } from "@std/assert";
import { PageCache } from "../editor/model/page_cache.ts";
import { rowsOf } from "../editor/model/rows.ts";
import type { WorldSchema } from "../editor/model/schema.ts";
import { contentHeight, scrollToShow, windowAt } from "../editor/model/scroll_map.ts";
import {
  NOTHING_SELECTED,
  select,
  SELECTED_MAX,
  selectEntities,
} from "../editor/model/selection.ts";
import {
  archetypeQuery,
  columnsOf,
  componentCounts,
  cycleSort,
  distinctName,
  projectionOf,
  sortedBy,
} from "../editor/model/table_query.ts";
import { encodeEntities } from "../lib/ecs/column_bytes.ts";
import { formatQueryText } from "../lib/query/format.ts";
import { parseQueryText } from "../lib/query/parse.ts";

const SCHEMA: WorldSchema = {
  world: "test",
  components: new Map(
    [
      {
        name: "Place",
        fields: [{ name: "at", type: "vec2" as const, unit: "m", description: "Where it is." }],
      },
      { name: "Label", fields: [{ name: "text", type: "string" as const }] },
      { name: "Solid", fields: [] },
    ].map(({ name, fields }) => [name, {
      name,
      description: undefined,
      fields: fields.map((field) => ({
        unit: undefined,
        description: undefined,
        ...field,
        default: null,
      })),
    }]),
  ),
  archetypes: [
    { components: ["Place", "Solid"], count: 5 },
    { components: ["Label", "Place"], count: 2 },
  ],
};

const entityAt = (index: number) => index < 10 ? 100 + index : undefined;

Deno.test("PageCache asks for what is missing, and shows what is stale until it has come", () => {
  const cache = new PageCache<string>({ pageRows: 2, pagesMax: 3 });
  assertEquals(cache.missing(1, 4), [0, 1, 2]);
  const put = (page: number, rows: string[]) =>
    cache.put(page, { rows, total: 6, generation: cache.generation });
  put(0, ["a", "b"]);
  put(1, ["c", "d"]);
  assertEquals([cache.at(1), cache.at(2), cache.at(4), cache.total], ["b", "c", undefined, 6]);
  assertEquals(cache.missing(0, 5), [2]);
  cache.expire();
  assertEquals(cache.at(1), "b");
  assertEquals(cache.missing(0, 3), [0, 1]);
});

Deno.test("PageCache drops the page that was used longest ago, and what comes too late", () => {
  const cache = new PageCache<number>({ pageRows: 1, pagesMax: 2 });
  const before = cache.generation;
  for (const page of [0, 1]) cache.put(page, { rows: [page], total: 9, generation: before });
  cache.missing(0, 0);
  cache.put(2, { rows: [2], total: 9, generation: before });
  assertEquals([cache.at(0), cache.at(1), cache.at(2)], [0, undefined, 2]);
  cache.expire();
  cache.put(0, { rows: [10], total: 9, generation: cache.generation });
  assertEquals(cache.put(0, { rows: [7], total: 9, generation: before }), false);
  assertEquals(cache.at(0), 10);
  cache.update((row) => row === 2 ? 20 : undefined);
  assertEquals([cache.at(0), cache.at(2)], [10, 20]);
});

Deno.test("windowAt() shows the rows below the scrolled ones, in a short list and in a very long one", () => {
  const short = { rows: 100, rowHeight: 20, viewHeight: 100 };
  assertEquals(contentHeight(short), 2000);
  assertEquals(windowAt(short, 0), { first: 0, count: 6, top: 0 });
  assertEquals(windowAt(short, 50), { first: 2, count: 6, top: 40 });
  const long = { rows: 10_000_000, rowHeight: 20, viewHeight: 100 };
  const height = contentHeight(long);
  assertEquals(height, 8_000_000);
  assertEquals(windowAt(long, 0).first, 0);
  const { first, count } = windowAt(long, height - 100);
  assertEquals(first + count, 10_000_000);
  assertEquals(windowAt({ rows: 0, rowHeight: 20, viewHeight: 100 }, 0).count, 0);
});

Deno.test("scrollToShow() scrolls no further than it must", () => {
  const long = { rows: 10_000_000, rowHeight: 20, viewHeight: 100 };
  for (const row of [0, 12_345, 5_000_000, 9_999_999]) {
    const scrolled = scrollToShow(long, row, 0);
    const { first, count } = windowAt(long, scrolled);
    assertEquals(first <= row && row < first + count, true, `row ${row}`);
    assertEquals(scrollToShow(long, row, scrolled), scrolled);
  }
});

Deno.test("select() replaces, toggles, and takes a range from the anchor", () => {
  const one = select(NOTHING_SELECTED, { index: 2, mode: "replace", entityAt });
  assertEquals([...one.entities], [102]);
  const range = select(one, { index: 4, mode: "range", entityAt });
  assertEquals([...range.entities], [102, 103, 104]);
  const back = select(range, { index: 1, mode: "range", entityAt });
  assertEquals([...back.entities], [101, 102]);
  const less = select(back, { index: 1, mode: "toggle", entityAt });
  assertEquals([...less.entities], [102]);
  assertEquals(select(less, { index: 99, mode: "replace", entityAt }).entities, less.entities);
  const many = selectEntities(Array.from({ length: SELECTED_MAX + 5 }, (_, i) => i));
  assertEquals(many.entities.size, SELECTED_MAX);
});

Deno.test("a table has a column per field that its query reads, and sorts by numbers of vectors", () => {
  const spec = parseQueryText("Place, ?Label.text, !Solid");
  const columns = columnsOf(spec, SCHEMA);
  assertEquals(
    columns.map(({ key, unit, title, sorts }) => [key, unit, title, sorts.map(({ by }) => by)]),
    [
      ["Place.at", "m", "vec2, in m. Where it is.", ["Place.at.x", "Place.at.y"]],
      ["Label.text", undefined, "string", ["Label.text"]],
    ],
  );
  assertEquals(projectionOf(parseQueryText("*")), {});
});

Deno.test("cycleSort() sorts up, then down, then not at all, before what was sorted by before", () => {
  const texts = ["Place.at.x", "Place.at.x", "Place.at.x"].reduce<string[]>(
    (texts, by) => [...texts, formatQueryText(cycleSort(parseQueryText(texts.at(-1) ?? ""), by))],
    ["Place sort by Entity"],
  );
  assertEquals(texts.slice(1), [
    "Place sort by Place.at.x",
    "Place sort by Place.at.x desc",
    "Place",
  ]);
  assertEquals(sortedBy(parseQueryText(texts[2]), "Place.at.x"), "descending");
  assertEquals(sortedBy(parseQueryText("Place"), "Place.at.x"), undefined);
});

Deno.test("an archetype is asked for by what it has and lacks, and named by what is rare", () => {
  const [solid] = SCHEMA.archetypes;
  assertEquals(formatQueryText(archetypeQuery(solid, SCHEMA)), "+Place, +Solid, !Label");
  assertEquals(distinctName(solid, SCHEMA.archetypes), "Solid · Place");
  assertEquals(componentCounts(SCHEMA).map(({ name, count }) => [name, count]), [
    ["Label", 2],
    ["Place", 7],
    ["Solid", 5],
  ]);
});

Deno.test("rowsOf() has each row's values, in the answer's order", () => {
  const entities = encodeEntities(Float64Array.of(4, 9));
  const chunk = {
    archetype: 1n,
    first: 0,
    count: 2,
    entities,
    components: ["Label", "Place"],
    columns: {
      "Place.at": new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer),
      "Label.text": ["four", "nine"],
    },
  };
  const rows = rowsOf({ chunks: [chunk], order: encodeEntities(Float64Array.of(9, 4)) }, SCHEMA);
  assertEquals(rows.map(({ entity, values }) => [entity, ...values.values()]), [
    [9, [3, 4], "nine"],
    [4, [1, 2], "four"],
  ]);
  const short = { ...chunk, columns: { "Place.at": new Uint8Array(8) } };
  assertThrows(() => rowsOf({ chunks: [short] }, SCHEMA), Error, "not of 2 rows");
});
