import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Angles, fromAngles, toAngles } from "../editor/model/euler.ts";
import { cellText, editText, parseNumber, parseText } from "../editor/model/field_text.ts";
import { commandsOf, type FieldChange, statesAfter } from "../editor/model/field_change.ts";
import { type EntityState, invert } from "../editor/model/inverse.ts";
import { mixComponents } from "../editor/model/mixed.ts";
import type { WorldSchema } from "../editor/model/schema.ts";
import { UndoStack } from "../editor/model/undo_stack.ts";
import type { WireCommand } from "../lib/wire/messages.ts";

const HEALTH = { Health: { hp: 5, armour: 1 } };

function before(states: Record<number, EntityState>): ReadonlyMap<number, EntityState> {
  return new Map(Object.entries(states).map(([entity, state]) => [Number(entity), state]));
}

Deno.test("invert() takes back each command, the last one first", () => {
  const commands: WireCommand[] = [
    { op: "set", entity: 1, component: "Health", value: { hp: 9 } },
    { op: "add", entity: 1, component: "Tag", value: {} },
    { op: "remove", entity: 1, component: "Health" },
    { op: "spawn", components: {} },
    { op: "despawn", entity: 2 },
  ];
  const state = before({ 1: HEALTH, 2: HEALTH });
  assertEquals(invert(commands, { before: state, spawned: [7] }), {
    commands: [
      { op: "spawn", components: HEALTH },
      { op: "despawn", entity: 7 },
      { op: "add", entity: 1, component: "Health", value: HEALTH.Health },
      { op: "remove", entity: 1, component: "Tag" },
      { op: "set", entity: 1, component: "Health", value: { hp: 5 } },
    ],
    revives: [2],
  });
});

Deno.test("UndoStack undoes and redoes, and forgets what was undone when something else is done", () => {
  const stack = new UndoStack();
  const set = (hp: number): WireCommand[] => [
    { op: "set", entity: 1, component: "Health", value: { hp } },
  ];
  stack.note("to 6", set(6), { before: before({ 1: HEALTH }), spawned: [] });
  assertEquals(stack.undo?.commands, set(5));
  stack.noteUndone({ before: before({ 1: { Health: { hp: 6, armour: 1 } } }), spawned: [] });
  assertEquals([stack.undo, stack.redo?.commands], [undefined, set(6)]);
  stack.noteRedone({ before: before({ 1: HEALTH }), spawned: [] });
  assertEquals([stack.undo?.label, stack.redo], ["to 6", undefined]);
  stack.noteUndone({ before: before({ 1: HEALTH }), spawned: [] });
  stack.note("to 8", set(8), { before: before({ 1: HEALTH }), spawned: [] });
  assertEquals([stack.undo?.label, stack.redo], ["to 8", undefined]);
});

Deno.test("UndoStack calls an entity that came back by its new number", () => {
  const stack = new UndoStack();
  const state = before({ 4: HEALTH });
  stack.note("set", [{ op: "set", entity: 4, component: "Health", value: { hp: 6 } }], {
    before: state,
    spawned: [],
  });
  stack.note("destroy", [{ op: "despawn", entity: 4 }], { before: state, spawned: [] });
  stack.noteUndone({ before: new Map(), spawned: [9] });
  assertEquals(stack.redo?.commands, [{ op: "despawn", entity: 9 }]);
  assertEquals(stack.undo?.commands, [
    { op: "set", entity: 9, component: "Health", value: { hp: 5 } },
  ]);
  stack.noteRedone({ before: before({ 9: HEALTH }), spawned: [] });
  stack.noteUndone({ before: new Map(), spawned: [12] });
  assertEquals(stack.redo?.commands, [{ op: "despawn", entity: 12 }]);
});

Deno.test("UndoStack undoes what one gesture did as one step", () => {
  const stack = new UndoStack();
  const gesture = { isOver: false };
  const set = (entity: number, hp: number): WireCommand => (
    { op: "set", entity, component: "Health", value: { hp } }
  );
  const first = [set(1, 6)];
  assertEquals(stack.fresh(first, gesture), first);
  stack.note("drag", first, { before: before({ 1: HEALTH }), spawned: [], gesture });
  // It goes on, and reaches an entity more.
  const more = [set(1, 7), set(2, 7)];
  assertEquals(stack.fresh(more, gesture), [set(2, 7)]);
  stack.note("drag", [set(2, 7)], { before: before({ 2: HEALTH }), spawned: [], gesture });
  assertEquals(stack.fresh(more, gesture), []);
  assertEquals(stack.fresh(more, { isOver: false }), more);
  assertEquals(stack.undo?.commands, [set(2, 5), set(1, 5)]);
  const dragged = before({ 1: { Health: { hp: 7 } }, 2: { Health: { hp: 7 } } });
  stack.noteUndone({ before: dragged, spawned: [] });
  assertEquals([stack.undo, stack.redo?.commands], [undefined, more]);
  stack.noteRedone({ before: before({ 1: HEALTH, 2: HEALTH }), spawned: [] });
  assertEquals([stack.isLast(gesture), stack.isLast(undefined)], [false, false]);
});

Deno.test("UndoStack can redo what it could before a gesture that was taken back", () => {
  const stack = new UndoStack();
  const set = (hp: number): WireCommand[] => [
    { op: "set", entity: 1, component: "Health", value: { hp } },
  ];
  const outcome = { before: before({ 1: HEALTH }), spawned: [] };
  stack.note("to 6", set(6), outcome);
  stack.noteUndone({ ...outcome, before: before({ 1: { Health: { hp: 6 } } }) });
  const gesture = { isOver: false };
  stack.note("drag", set(7), { ...outcome, gesture });
  assertEquals(stack.redo, undefined);
  stack.noteTakenBack();
  assertEquals([stack.undo, stack.redo?.commands], [undefined, set(6)]);
});

Deno.test("a lane's change leaves the other lanes what they are in each entity", () => {
  const states = before({ 1: { Place: { at: [1, 2] } }, 2: { Place: { at: [3, 4] } }, 3: HEALTH });
  const x: FieldChange = {
    entities: [1, 2, 3, 4],
    component: "Place",
    field: "at",
    to: { index: 0, value: 9 },
  };
  assertEquals(commandsOf(x, states), [
    { op: "set", entity: 1, component: "Place", value: { at: [9, 2] } },
    { op: "set", entity: 2, component: "Place", value: { at: [9, 4] } },
  ]);
  const y = { ...x, entities: [2], to: { index: 1, value: 8 } };
  assertEquals(
    statesAfter(states, [x, y]),
    before({ 1: { Place: { at: [9, 2] } }, 2: { Place: { at: [9, 8] } }, 3: HEALTH }),
  );
});

Deno.test("a value's change is for all of its entities, but shown only in those that have it", () => {
  const hp: FieldChange = {
    entities: [1, 2],
    component: "Health",
    field: "hp",
    to: { value: 6 },
  };
  assertEquals(commandsOf(hp, new Map()).length, 2);
  const states = before({ 1: HEALTH, 2: {}, 3: HEALTH });
  assertEquals(
    statesAfter(states, [hp]),
    before({ 1: { Health: { hp: 6, armour: 1 } }, 2: {}, 3: HEALTH }),
  );
});

Deno.test("angles lead to the rotation that they came from", () => {
  const part = fc.double({ min: -1, max: 1, noNaN: true });
  fc.assert(fc.property(fc.tuple(part, part, part, part), (quaternion) => {
    const length = Math.hypot(...quaternion);
    fc.pre(length > 0.1);
    const unit = quaternion.map((part) => part / length);
    const again = fromAngles(toAngles(quaternion));
    // A quaternion and its negative are one rotation.
    const product = unit.reduce((sum, part, i) => sum + part * again[i], 0);
    return Math.abs(product) > 1 - 1e-5;
  }));
  assertEquals(toAngles([0, 0, 0, 0]), [0, 0, 0]);
  const turned: Angles = [0, 90, 0];
  assert(Math.abs(toAngles(fromAngles(turned))[1] - 90) < 1e-6);
});

Deno.test("text of a field's value is read as that value again", () => {
  const values = [["u64", 2n ** 63n], ["i64", -5n], ["string", "a b"], ["f64", 0.1], [
    "bytes",
    Uint8Array.of(0, 255),
  ], ["any", { a: [1, 2n, null, Uint8Array.of(7)] }]] as const;
  for (const [type, value] of values) {
    assertEquals(parseText(editText(value, type), type), value, type);
  }
});

Deno.test("parseText() says what a field takes", () => {
  assertThrows(() => parseText("300", "u8"), TypeError, "integer from 0 to 255");
  assertThrows(() => parseText("1.5", "i32"), TypeError, "integer");
  assertThrows(() => parseText("0", "bytes") && parseText("0g", "bytes"), TypeError, "hex");
  assertThrows(() => parseText("{", "any"), TypeError);
  assertThrows(() => parseNumber("three"), TypeError, "is no number");
  assertEquals(parseNumber(" 30 + 3.5 "), 33.5);
  assertEquals(parseNumber("2*-4"), -8);
});

Deno.test("cellText() is short", () => {
  assertEquals(cellText(Math.fround(0.1), "f32"), "0.100");
  assertEquals(cellText([1, 2.25, -1e9], "vec3"), "1  2.250  -1000000000");
  assertEquals(cellText(1.5e-7, "f64"), "1.500e-7");
  assertEquals(cellText(new Uint8Array(40), "bytes").endsWith("… (40 bytes)"), true);
});

Deno.test("mixComponents() tells which numbers differ, and how many have a component", () => {
  const field = (name: string, type: "vec3" | "f32") => ({
    name,
    type,
    default: 0,
    unit: undefined,
    description: undefined,
  });
  const schema: WorldSchema = {
    world: "",
    components: new Map([
      ["Place", { name: "Place", description: undefined, fields: [field("at", "vec3")] }],
      ["Mass", { name: "Mass", description: undefined, fields: [field("value", "f32")] }],
    ]),
    archetypes: [],
  };
  const states = [{ Place: { at: [1, 2, 3] }, Mass: { value: 1 } }, { Place: { at: [1, 5, 3] } }];
  const mixed = mixComponents(states, schema);
  assertEquals(
    mixed.map(({ component, count, fields }) => [component.name, count, fields[0].isMixed]),
    [["Mass", 1, [false]], ["Place", 2, [false, true, false]]],
  );
});
