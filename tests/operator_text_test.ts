import { assertEquals, assertThrows } from "@std/assert";
import { rowJson, rowLine, rowsText } from "../operator/row_text.ts";
import { statusText } from "../operator/status_text.ts";
import { type Sample, viewLines, viewOf } from "../operator/top_view.ts";
import { parseValues } from "../operator/value_text.ts";
import { toJson } from "../lib/plain_json.ts";
import { UserError } from "../lib/user_error.ts";
import { SCHEMA } from "./query_fixture.ts";

const plain = (text: string) => text;

Deno.test("parseValues() reads values of every type, as people type them", () => {
  const words = [
    "Boid",
    "Transform.translation=1,-2.5,3e2",
    "Transform.rotation=[0, 0, 0, 1]",
    "Transform.scale=.5",
    "Health.hp=3",
    "Label.text=a ship=b",
    "Label.tags=[1, null]",
    "Account.id=18446744073709551615",
    "Account.isOpen=true",
    "Follows.leader=12",
    'Velocity={"linear":[1,2,3]}',
  ];
  assertEquals(parseValues(words, SCHEMA), {
    Boid: {},
    Transform: { translation: [1, -2.5, 300], rotation: [0, 0, 0, 1], scale: 0.5 },
    Health: { hp: 3 },
    Label: { text: "a ship=b", tags: [1, null] },
    Account: { id: 2n ** 64n - 1n, isOpen: true },
    Follows: { leader: 12 },
    Velocity: { linear: [1, 2, 3] },
  });
  assertEquals(parseValues(['Label.text="3"'], SCHEMA), { Label: { text: "3" } });
});

/** A word, and what is said of it. */
const WRONG: readonly (readonly [word: string, why: string])[] = [
  ["Helth.hp=1", 'unknown component "Helth", did you mean "Health"?'],
  ["Health.hq=1", 'there is no field "hq", did you mean "hp"?'],
  ["Health.hp", "a field takes a value: Health.hp=…"],
  ["Velocity.linear.x=1", "it sets a field as a whole: Velocity.linear=…"],
  ["Health.hp=x", '"x" is no number'],
  ["Health.hp=", '"" is no number'],
  ["Health.hp=1,2", "it takes one number, not 2"],
  ["Health.hp=70000", "u16"],
  ["Health.hp=1.5", "u16"],
  ["Velocity.linear=1,2", "vec3"],
  ["Account.id=1.5", "it takes an integer"],
  ["Account.id=-1", "u64"],
  ["Account.isOpen=yes", "it takes true or false"],
  ["Label.tags={", "{ is no JSON"],
  ["Label={", "{ is no JSON"],
  ["Label=3", "a component takes an object of its fields"],
  ["", 'unknown component ""'],
];

for (const [word, why] of WRONG) {
  Deno.test(`parseValues() says what is wrong with: ${word}`, () => {
    const error = assertThrows(() => parseValues([word], SCHEMA), UserError);
    assertEquals(
      [error.message.startsWith(`Cannot take "${word}": `), error.message.includes(why)],
      [
        true,
        true,
      ],
      error.message,
    );
  });
}

const rows = [
  {
    entity: 7,
    components: ["Boid", "Health", "Label"],
    values: new Map<string, unknown>([
      ["Health.rate", 0.10000000149011612],
      ["Label.text", "x".repeat(60)],
    ]),
  },
  { entity: 12, components: [], values: new Map<string, unknown>([["Account.id", 2n ** 63n]]) },
];

Deno.test("rows are shown as a table, as lines and as JSON", () => {
  const components = new Map([["Health", {
    fields: [{ name: "rate", type: "f32", unit: "1/s" }],
  }]]);
  assertEquals(rowsText(rows, { heading: plain, isEvery: true, components }), [
    "entity  components         Account.id           Health.rate (1/s)  Label.text",
    `     7  Boid Health Label  -                    0.1                "${"x".repeat(38)}…`,
    "    12                     9223372036854775808  -                  -",
  ]);
  assertEquals(rowLine(rows[1]), "12 Account.id=9223372036854775808");
  assertEquals(
    toJson(rowJson(rows[1], { isEvery: true })),
    '{"entity":12,"components":{"Account":{"id":"9223372036854775808"}}}',
  );
  assertEquals(rowJson(rows[0], { isEvery: true }).components.Boid, {});
  assertEquals(Object.keys(rowJson(rows[0], { isEvery: false }).components), ["Health", "Label"]);
});

const counts = { instances: 2, load: 0.5, shards: 9, rows: 1000, errors: 1, late: 0, skipped: 0 };

function sampleAt(
  at: number,
  { tick, rows, bytes }: { tick: number; rows: number; bytes: number },
): Sample {
  return {
    at,
    status: {
      epoch: 1,
      tick_id: tick,
      running: true,
      hz: 50,
      entities: 60,
      overruns: 0,
      refused: 0,
      systems: { move: { ...counts, rows } },
    },
    systems: {
      tick_id: tick,
      tick_ms_p50: 4,
      tick_ms_p99: 9,
      systems: {
        move: {
          instances: [],
          errors: 1,
          late: 0,
          skipped: 0,
          ticks: tick,
          bytes_sent: bytes,
          bytes_received: 2 * bytes,
          compute_ms_per_tick: 1.5,
          last_error: { tick_id: 3, shard: 0, instance_id: "move-1", text: "Error: no\n  at x" },
        },
      },
    },
    trace: {
      ticks: [{
        tick_id: tick,
        started_ms: 0,
        period_ms: 20,
        duration_ms: 6,
        late: false,
        systems: [{
          system: "move",
          started_ms: 1,
          ended_ms: 6,
          missed: 0,
          shard_count: 0,
          shards: [],
        }],
      }],
    },
  };
}

Deno.test("deno task top reckons rates from one look to the next", () => {
  const before = sampleAt(1000, { tick: 100, rows: 1000, bytes: 10_000 });
  const now = sampleAt(3000, { tick: 199, rows: 4000, bytes: 30_000 });
  const view = viewOf(now, before);
  assertEquals(view.ticks_per_s, 49.5);
  assertEquals(viewLines(view, plain), [
    "tick 199   49.5 of 50 Hz   half within 4.0 ms, 99 % within 9.0 of 20.0 ms   60 entities   " +
    "0 overruns   0 refused",
    "system  share of the tick           ms  compute  inst  load  rows/s   sent/s  received/s  " +
    "errors  late  skipped",
    "move    #####............... 25 %  5.0      1.5     2  50 %    1500  10.0 kB     20.0 kB  " +
    "     1     0        0",
    "move: Error: no",
  ]);
  assertEquals(viewOf(now, undefined).ticks_per_s, 0);
  const other = { ...before, status: { ...before.status, epoch: 2 } };
  assertEquals(viewOf(now, other).systems[0].rows_per_s, 0, "another coordinator counts anew");
});

Deno.test("deno task ctl prints how the world fares", () => {
  const { status } = sampleAt(0, { tick: 5, rows: 1000, bytes: 0 });
  assertEquals(statusText(status, plain).split("\n"), [
    "tick 5, running at 50 Hz, 60 entities, 0 overruns, 0 refused, term 1",
    "system  instances  load  shards  rows  errors  late  skipped",
    "move            2  50 %       9  1000       1     0        0",
  ]);
});
