import { assertEquals } from "@std/assert";
import { Progress } from "../coordinator/progress.ts";
import { differenceText, infoJson, listText } from "../coordinator/snapshot_text.ts";
import { toJson } from "../lib/plain_json.ts";
import { formatDate } from "../lib/clock.ts";
import { formatTable } from "../lib/text_table.ts";
import { metaFor } from "./snapshot_fixture.ts";

const plain = (text: string) => text;
const NOTHING = { count: 0, first: [] };

Deno.test("formatTable() aligns columns, numbers to the right, without spaces at the ends", () => {
  const rows = [["t1", "9", "x"], ["t120", "10", ""]];
  assertEquals(formatTable({ head: ["id", "n", "note"], rows, right: [1] }), [
    "id     n  note",
    "t1     9  x",
    "t120  10",
  ]);
});

Deno.test("listText() has a row per snapshot, and says what is damaged", () => {
  const info = { entities: 6026, bytes: 1_234_567, parts: 3 };
  const snapshots = [
    { ...info, meta: metaFor("t7", { note: "early" }), isGoneOnFrom: true },
    { ...info, meta: metaFor("t9", { kind: "imported", tick: 12_000 }), isGoneOnFrom: false },
  ];
  assertEquals(
    listText({ snapshots, damaged: [{ id: "t8", reason: "it is torn" }] }, plain).split("\n"),
    [
      "id  kind       tick  entities    size  taken                     log      note",
      "t7  auto          7      6026  1.2 MB  2023-11-14T22:13:20.000Z  goes on  early",
      "t9  imported  12000      6026  1.2 MB  2023-11-14T22:13:20.000Z  -",
      "t8 is damaged: it is torn",
    ],
  );
  assertEquals(listText({ snapshots: [], damaged: [] }, plain), "There are no snapshots.");
});

Deno.test("differenceText() names entities, components and values", () => {
  const world = {
    created: { count: 7, first: [1, 2, 3, 4, 5] },
    destroyed: { count: 1, first: [9] },
    components: [{
      name: "Mass",
      added: 0,
      removed: 2,
      changed: 1,
      examples: [{ entity: 3, field: "kg", before: 1n, after: new Uint8Array([255, 1]) }],
    }],
  };
  assertEquals(differenceText({ schema: [], world }, plain).split("\n"), [
    "created    7 entities: 1, 2, 3, 4, 5, ...",
    "destroyed  1 entity: 9",
    "",
    "component  changed  added  removed",
    "Mass             1      0        2",
    `  entity 3 kg: "1" -> "ff01"`,
  ]);
  const same = { created: NOTHING, destroyed: NOTHING, components: [] };
  assertEquals(differenceText({ schema: [], world: same }, plain), "There is no difference.");
});

Deno.test("toJson() writes what JSON has no form for as text", () => {
  const { digest, created } = infoJson({ meta: metaFor("a"), entities: 1, bytes: 2, parts: 1 });
  assertEquals([digest, created], ["8000000000000000", "2023-11-14T22:13:20.000Z"]);
  const value = { a: 2n ** 64n, b: NaN, c: Uint8Array.of(1), d: Float32Array.of(0.5), e: null };
  assertEquals(toJson(value), `{"a":"18446744073709551616","b":"NaN","c":"01","d":[0.5],"e":null}`);
});

Deno.test("formatDate() writes what is no date as a number", () => {
  assertEquals([formatDate(0), formatDate(1e20)], [
    "1970-01-01T00:00:00.000Z",
    "100000000000000000000",
  ]);
});

Deno.test("Progress shows a percentage when it changes, and takes its line away", () => {
  const written: string[] = [];
  const write = (text: string) => void written.push(text);
  {
    using progress = new Progress("reading", { isShown: true, write });
    for (const done of [0, 1, 199, 200, 1000]) progress.show(done, 1000);
  }
  assertEquals(written, [
    "\rreading: 0 %",
    "\rreading: 19 %",
    "\rreading: 20 %",
    "\rreading: 100 %",
    "\r\x1b[K",
  ]);
  using hidden = new Progress("reading", { isShown: false, write });
  hidden.show(1, 2);
  assertEquals(written.length, 5);
});
