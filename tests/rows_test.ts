import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import {
  component,
  type ComponentType,
  componentType,
  createSchema,
} from "../lib/ecs/component.ts";
import type { Query } from "../lib/ecs/query.ts";
import { BroadcastSet, Rows, type RowsInit } from "../lib/runtime/rows.ts";
import { UserError } from "../lib/user_error.ts";
import { type ColumnData, columnKey } from "../lib/wire/column.ts";
import { access, Mass, Position, query, Velocity } from "./graph_fixture.ts";

const Label = componentType("Label", [{ name: "text", type: "string", default: "" }]);
const POSITION = component("Position", { x: "f32", y: "f32" });
const VELOCITY = component("Velocity", { x: "f32", y: "f32" });
const MASS = component("Mass", { value: "f32" });
const LABEL = component("Label", { text: "string" });
const SOURCE = "physics.yaml, query";

/** Columns of two rows for all that the query accesses, but for `absent`. */
function columnsOf(
  { read, write, optional }: Query,
  absent?: ComponentType,
): Map<string, ColumnData> {
  const columns = new Map<string, ColumnData>();
  for (const { component, fields } of [...read, ...write, ...optional]) {
    if (component === absent) continue;
    for (const field of fields) {
      const data = field.type === "string" ? ["a", "b"] : Float32Array.of(1, 2);
      columns.set(columnKey(component, field), data);
    }
  }
  return columns;
}

function initOf(parts: Partial<Query>, init: Partial<RowsInit> = {}): RowsInit {
  const full = query(parts);
  return {
    source: SOURCE,
    schema: createSchema([Position, Velocity, Mass, Label]),
    query: full,
    count: 2,
    columns: columnsOf(full),
    ...init,
  };
}

function rows(parts: Partial<Query>, init: Partial<RowsInit> = {}): Rows {
  return new Rows(initOf(parts, init));
}

function messageOf(fn: () => unknown): string {
  return assertThrows(fn, UserError).message;
}

Deno.test("Rows.read() and write() give the columns of a component by field", () => {
  const both = rows({ read: [access(Velocity)], write: [access(Position)] });
  assertEquals(both.count, 2);
  assertEquals(Array.from(both.read(VELOCITY).y), [1, 2]);
  both.write(POSITION).x[1] = 7;
  assertEquals(Array.from(both.read(POSITION).x), [1, 7]);
  assertEquals(Object.keys(both.read(POSITION)), ["x", "y"]);
});

Deno.test("Rows.read() gives a list column as plain values", () => {
  assertEquals(rows({ read: [access(Label)] }).read(LABEL).text, ["a", "b"]);
});

Deno.test("Rows refuse a component that the manifest does not declare, and name clause and file", () => {
  const moving = rows({ read: [access(Velocity)], optional: [access(Mass)] });
  assertEquals(
    messageOf(() => moving.read(POSITION)),
    'Cannot read "Position": add it to `read` in physics.yaml, query',
  );
  assertEquals(
    messageOf(() => moving.write(VELOCITY)),
    'Cannot write "Velocity": add it to `write` in physics.yaml, query',
  );
  assertEquals(
    messageOf(() => moving.optional(VELOCITY)),
    'Cannot read "Velocity": add it to `optional` in physics.yaml, query',
  );
});

Deno.test("Rows refuse a field that the manifest does not declare, once it is used", () => {
  const position = rows({ read: [access(Position, "x")] }).read(POSITION);
  assertEquals(Array.from(position.x), [1, 2]);
  assertStringIncludes(messageOf(() => position.y), 'Cannot read "Position.y": add it to `read`');
});

Deno.test("Rows.write() refuses the fields that are only read", () => {
  const mixed = rows({ read: [access(Position, "y")], write: [access(Position, "x")] });
  assertEquals(Array.from(mixed.read(POSITION).y), [1, 2]);
  assertEquals(Array.from(mixed.read(POSITION).x), [1, 2]);
  assertEquals(mixed.write(POSITION).x.length, 2);
  assertStringIncludes(
    messageOf(() => mixed.write(POSITION).y),
    'Cannot write "Position.y": add it to `write`',
  );
});

Deno.test("Rows.optional() is undefined where the rows lack the component", () => {
  const parts = { read: [access(Velocity)], optional: [access(Mass)] };
  assertEquals(Array.from(rows(parts).optional(MASS)?.value ?? []), [1, 2]);
  const columns = columnsOf(query(parts), Mass);
  assertEquals(rows(parts, { columns }).optional(MASS), undefined);
});

Deno.test("Rows.entities needs Entity in the manifest's read", () => {
  const entities = Float64Array.of(5, 6);
  assertEquals(Array.from(rows({ entities: true }, { entities }).entities), [5, 6]);
  assertEquals(
    messageOf(() => rows({}).entities),
    "Cannot read the rows' entities: add Entity to `read` in physics.yaml, query",
  );
});

Deno.test("Rows refuse a handle that does not fit components.yaml, and say what to run", () => {
  const moving = rows({ read: [access(Velocity)] });
  const stale = component("Velocity", { x: "f32", y: "f64" });
  const message = messageOf(() => moving.read(stale));
  assertStringIncludes(message, '"Velocity" { x: f32, y: f64 }');
  assertStringIncludes(message, "components.yaml has { x: f32, y: f32 }");
  assertStringIncludes(message, "deno task types");
  const gone = component("Gone", { x: "f32" });
  assertStringIncludes(messageOf(() => moving.read(gone)), "components.yaml has none");
});

Deno.test("BroadcastSet.derive() builds once per function, however often it is asked", () => {
  const set = new BroadcastSet(initOf({ read: [access(Position)] }));
  let builds = 0;
  const grid = (from: BroadcastSet) => {
    builds++;
    return { rows: from.count };
  };
  const first = set.derive(grid);
  assert(set.derive(grid) === first);
  assertEquals([first.rows, builds], [2, 1]);
  assertEquals(set.derive(() => undefined), undefined);
});

Deno.test("BroadcastSet.derive() keeps a bounded number of what it built", () => {
  const set = new BroadcastSet(initOf({}));
  let builds = 0;
  const build = () => ++builds;
  set.derive(build);
  for (let i = 0; i < 16; i++) set.derive(() => i);
  assertEquals(set.derive(build), 2);
});

Deno.test("BroadcastSet.derive() keeps nothing of a function that throws", () => {
  const set = new BroadcastSet(initOf({}));
  let isBroken = true;
  const build = () => {
    if (isBroken) throw new RangeError("not yet");
    return 1;
  };
  assertThrows(() => set.derive(build), RangeError);
  isBroken = false;
  assertEquals(set.derive(build), 1);
});
