import { signal } from "@preact/signals";
import { assertEquals, assertRejects } from "@std/assert";
import { commandsOf, type EntityStates, type FieldChange } from "../editor/model/field_change.ts";
import type { Gesture, GestureMark } from "../editor/model/gesture.ts";
import { type ComponentInfo, NO_SCHEMA, type WorldSchema } from "../editor/model/schema.ts";
import { EditError, Edits, type EditSession } from "../editor/page/stores/edits.ts";
import { NoRespondersError } from "../lib/bus/bus.ts";
import { encodeEntities } from "../lib/ecs/column_bytes.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { createSubjects } from "../lib/wire/subjects.ts";

const ENTITY = 7;
const PLACE: ComponentInfo = {
  name: "Place",
  description: undefined,
  fields: [{ name: "at", type: "vec2", default: [0, 0], unit: undefined, description: undefined }],
};
const SCHEMA: WorldSchema = { ...NO_SCHEMA, components: new Map([["Place", PLACE]]) };

/** A world of one entity with a place, as a page's session reaches it. */
class World {
  at = [1, 2];
  /** What it says of commands, where it does not carry them out. */
  refusal: string | Error | undefined;
  readonly problems: unknown[] = [];
  readonly edits: Edits;

  constructor() {
    const subjects = createSubjects("here");
    const session = {
      status: signal({ running: true } as MessageOf<"ControlReply">),
      schema: signal(SCHEMA),
      subjects,
      viewSubjects: createSubjects("past"),
      query: (_value: unknown, asked: unknown) => {
        assertEquals(asked, subjects);
        return Promise.resolve({ chunks: [this.#chunk()] });
      },
      request: (_subject: string, { value }: { value: unknown }) =>
        Promise.resolve().then(() => this.#take(value as MessageOf<"EntityCommand">)),
    };
    this.edits = new Edits(session as unknown as EditSession, {
      error: (problem) => void this.problems.push(problem),
    });
  }

  /** Sets one number of the place, by the way of the inspector. */
  set(index: number, value: number, gesture?: GestureMark): Promise<unknown> {
    const change: FieldChange = {
      entities: [ENTITY],
      component: "Place",
      field: "at",
      to: { index, value },
    };
    const work = {
      entities: [ENTITY],
      commandsOf: (states: EntityStates) => commandsOf(change, states),
    };
    return this.edits.apply("Set Place.at", work, { gesture });
  }

  /** Begins to drag the second number of the place. */
  drag(): Gesture<number> {
    return this.edits.begin({
      send: (value: number, gesture) => this.set(1, value, gesture),
      onTakenBack: () => {},
    });
  }

  #chunk() {
    return {
      archetype: 0n,
      count: 1,
      entities: encodeEntities(Float64Array.of(ENTITY)),
      components: ["Place"],
      columns: { "Place.at": new Uint8Array(Float32Array.from(this.at).buffer) },
    };
  }

  #take({ commands }: MessageOf<"EntityCommand">): MessageOf<"EntityCommandReply"> {
    if (this.refusal instanceof Error) throw this.refusal;
    const reason = this.refusal;
    if (reason !== undefined) {
      const refused = commands.map((_command, index) => ({ index, reason }));
      return { tick_id: 1, spawned: [], refused };
    }
    for (const command of commands) {
      if (command.op === "set") this.at = command.value.at as number[];
    }
    return { tick_id: 1, spawned: [], refused: [] };
  }
}

Deno.test("Edits sets a lane after what was set before it, and takes both back", async () => {
  const world = new World();
  await Promise.all([world.set(0, 5), world.set(1, 7)]);
  assertEquals(world.at, [5, 7]);
  await world.edits.undo();
  assertEquals(world.at, [5, 2]);
  await world.edits.undo();
  assertEquals(world.at, [1, 2]);
});

Deno.test("Edits says so when nothing is left of what is to be changed", async () => {
  const { edits } = new World();
  const work = { entities: [ENTITY], commandsOf: () => [] };
  await assertRejects(() => edits.apply("Set Place.at", work), EditError, "is gone");
  assertEquals(edits.stack.undo, undefined);
});

Deno.test("a gesture that is cancelled leaves nothing, and what could be redone", async () => {
  const world = new World();
  await world.set(0, 5);
  await world.edits.undo();
  const gesture = world.drag();
  gesture.set(9);
  await gesture.cancel();
  assertEquals([world.at, world.problems], [[1, 2], []]);
  await world.edits.redo();
  assertEquals(world.at, [5, 2]);
});

Deno.test("what cannot be taken back is said, and can be undone later", async () => {
  const world = new World();
  const gesture = world.drag();
  gesture.set(9);
  await gesture.end();
  world.refusal = new NoRespondersError("nobody");
  await gesture.cancel();
  assertEquals([world.at, world.problems], [[1, 9], [world.refusal]]);
  world.refusal = undefined;
  await world.edits.undo();
  assertEquals(world.at, [1, 2]);
});

Deno.test("commands that are refused one by one when a gesture is taken back are said", async () => {
  const world = new World();
  const gesture = world.drag();
  gesture.set(9);
  await gesture.end();
  world.refusal = "no such entity";
  await gesture.cancel();
  assertEquals(world.problems.map(String), ["EditError: no such entity"]);
});

Deno.test("Edits ends a gesture when another begins, or when it is told to", async () => {
  const { edits } = new World();
  const work = { send: () => Promise.resolve(), onTakenBack: () => {} };
  const [first, second] = [edits.begin(work), edits.begin(work)];
  assertEquals([first.isOver, second.isOver], [true, false]);
  edits.endGesture();
  assertEquals(second.isOver, true);
  await second.end();
});
