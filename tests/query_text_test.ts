import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode } from "@std/msgpack";
import * as fc from "fast-check";
import { conditionOf, evaluateQuery } from "../lib/query/evaluate.ts";
import { formatQueryText } from "../lib/query/format.ts";
import { parseQueryText } from "../lib/query/parse.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import { QueryTextError } from "../lib/query/text_error.ts";
import { QUERY_TEXT_LENGTH_MAX } from "../lib/query/tokens.ts";
import { decodePayload, encodeMessage } from "../lib/wire/codec.ts";
import type { Condition } from "../lib/wire/condition.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { QUERY_TEXTS, RandomWorld, SCHEMA } from "./query_fixture.ts";

const path = fc.constantFrom("Entity", "Health.hp", "Velocity.linear.y", "Label.text", "A.b.12");
const scalar = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value === 0 ? 0 : value),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt().filter((value) => !Number.isSafeInteger(Number(value))),
  fc.boolean(),
  fc.string(),
  fc.string({ unit: "binary" }),
);
const condition = fc.letrec<{ any: Condition }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record({
      op: fc.constantFrom("=", "!=", "<", "<=", ">", ">=", "contains"),
      path,
      value: scalar,
    }, { noNullPrototype: true }) as fc.Arbitrary<Condition>,
    fc.record({
      op: fc.constantFrom("and", "or"),
      of: fc.array(tie("any"), { minLength: 2, maxLength: 3 }),
    }, { noNullPrototype: true }) as fc.Arbitrary<Condition>,
    fc.record({ op: fc.constant("not"), of: fc.tuple(tie("any")) }, {
      noNullPrototype: true,
    }) as fc.Arbitrary<Condition>,
  ),
})).any;
const names = fc.uniqueArray(fc.constantFrom("A", "Bcd", "Health", "Static"), { minLength: 1 });
const terms = fc.uniqueArray(fc.constantFrom("A", "Bcd.e", "Health.hp", "Entity"), {
  minLength: 1,
});
const optionals = fc.uniqueArray(fc.constantFrom("*", "F", "G.h"), { minLength: 1 });
const key = fc.record({ by: path, descending: fc.constant(true) }, {
  requiredKeys: ["by"],
  noNullPrototype: true,
});
const spec: fc.Arbitrary<QuerySpec> = fc.record({
  query: fc.record(
    { read: terms, optional: optionals, with: names, without: names },
    { requiredKeys: ["read"], noNullPrototype: true },
  ),
  where: condition,
  sort: fc.array(key, { minLength: 1, maxLength: 4 }),
  limit: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
}, { requiredKeys: ["query"], noNullPrototype: true });

Deno.test("parseQueryText() makes of formatQueryText()'s text the same query again", () => {
  fc.assert(
    fc.property(spec, (spec) => {
      assertEquals(parseQueryText(formatQueryText(spec)), spec);
    }),
    { numRuns: 500 },
  );
});

Deno.test("formatQueryText() makes the same text of every text that it has made", () => {
  for (const text of QUERY_TEXTS) {
    const once = formatQueryText(parseQueryText(text, SCHEMA));
    assertEquals(formatQueryText(parseQueryText(once, SCHEMA)), once);
  }
});

Deno.test("a query that means the same as its text selects the same rows", () => {
  const random = new RandomWorld(8, 100);
  const rows = random.rows();
  for (let i = 0; i < 100; i++) {
    const spec = random.spec();
    const again = parseQueryText(formatQueryText(spec), SCHEMA);
    assertEquals(evaluateQuery(rows, again, SCHEMA), evaluateQuery(rows, spec, SCHEMA));
  }
});

Deno.test("conditionOf() tells whether a row passes, which it does not without the component", () => {
  const passes = (text: string, components: Record<string, Record<string, unknown>>) => {
    const { where } = parseQueryText(`where ${text}`, SCHEMA);
    assert(where);
    const row = { entity: 7, components: new Map(Object.entries(components)) };
    return conditionOf(SCHEMA, where)(row);
  };
  assertEquals(passes("Entity = 7 and Health.hp > 2", { Health: { hp: 3 } }), true);
  assertEquals(passes("Health.hp != 3", {}), false);
  assertEquals(passes("not Health.hp = 3", {}), true);
  assertEquals(passes("Velocity.linear.y = 2", { Velocity: { linear: [1, 2, 3] } }), true);
  assertEquals(passes("Label.tags contains 3", { Label: { tags: [1, 3n] } }), true);
});

Deno.test("parseQueryText() reads all that there is to say", () => {
  const text = `
    Transform, Velocity.linear, !Static, ?Label, +Boid, Entity
      where Velocity.linear.y > 3 and (Label.text contains "ship" or not Health.hp != 0)
      sort by Velocity.linear.y desc, Entity asc
      limit 100`;
  assertEquals(parseQueryText(text, SCHEMA), {
    query: {
      read: ["Transform", "Velocity.linear", "Entity"],
      optional: ["Label"],
      with: ["Boid"],
      without: ["Static"],
    },
    where: {
      op: "and",
      of: [
        { op: ">", path: "Velocity.linear.y", value: 3 },
        {
          op: "or",
          of: [
            { op: "contains", path: "Label.text", value: "ship" },
            { op: "not", of: [{ op: "!=", path: "Health.hp", value: 0 }] },
          ],
        },
      ],
    },
    sort: [{ by: "Velocity.linear.y", descending: true }, { by: "Entity" }],
    limit: 100,
  });
});

Deno.test("parseQueryText() takes no term for every component", () => {
  for (const text of ["", "  ", "*", "where Health.hp = 1", "sort by Entity", "limit 3"]) {
    assertEquals(parseQueryText(text).query, { optional: ["*"] });
  }
  assertEquals(parseQueryText("*, !Static").query, { optional: ["*"], without: ["Static"] });
});

/** A text, where it is wrong, and what is said of it. */
const WRONG: readonly (readonly [text: string, column: number, why: string])[] = [
  ["Velocty", 1, 'unknown component "Velocty", did you mean "Velocity"?'],
  ["velocity", 1, 'found "velocity", did you mean "Velocity"?'],
  ["Health, Velocity.liner", 18, 'has no field "liner", did you mean "linear"?'],
  ["Velocity.linear.x", 1, "a term is a component or a field: Velocity.linear"],
  ["Health,", 8, 'expected a component, "*", "where", "sort" or "limit", found the end'],
  ["Health Velocity", 8, 'expected ",", "where", "sort", "limit" or the end, found "Velocity"'],
  ["Health were Health.hp = 1", 8, 'did you mean "where"?'],
  ["!", 2, "expected a component, found the end"],
  ["!Health.hp", 2, '"!" takes a whole component: !Health'],
  ["+Health.hp", 2, '"+" takes a whole component: +Health'],
  ["?Entity", 2, 'every row has "Entity"'],
  ["Entity.id", 1, "it has no fields"],
  ["Health @", 8, 'nothing begins with "@"'],
  ["Health where", 13, "expected a field such as"],
  ["Health where Health", 14, '"Health" needs a field, such as Health.hp'],
  ["Health where Static", 14, "is a tag without values"],
  ["Health where Helth.hp = 1", 14, 'did you mean "Health"?'],
  ["Health where Health.hq = 1", 21, 'did you mean "hp"?'],
  ["Health where Velocity.linear = 1", 23, "name one of its numbers, .x, .y, .z"],
  ["Health where Velocity.linear.w = 1", 30, 'has no ".w"'],
  ["Health where Health.hp.x = 1", 24, 'is of type u16, which has no "x"'],
  ["Health where Entity.x = 1", 21, '"Entity" has no fields'],
  ["Health where Health.hp", 23, "expected =, !=, <, <=, >, >= or contains, found the end"],
  ["Health where Health.hp =", 25, 'expected a number, a "string", true or false'],
  ["Health where Health.hp = Entity", 26, 'found "Entity"'],
  ['Health where Health.hp = "1"', 26, 'compares with a number, not with "1"'],
  ["Health where Label.text = 1", 27, "compares with a string, not with 1"],
  ["Health where Account.isOpen < true", 31, "takes = and != with true, not <"],
  ["Health where Health.hp contains 1", 24, "contains nothing"],
  ['Label where Label.text = "ship', 26, "the string does not end"],
  ['Label where Label.text = "\\q"', 26, "the string is not as JSON has it"],
  ["Health where (Health.hp = 1", 28, 'expected "and", "or" or ")", found the end'],
  ["Health where Health.hp = 1 nad Health.hp = 2", 28, 'did you mean "and"?'],
  ["Health where Health.hp = 1 limit", 33, "expected a number of rows, from 1"],
  ["Health limit 0", 14, "expected a number of rows, from 1"],
  ["Health limit 1.5", 14, "expected a number of rows, from 1"],
  ["Health limit 1 limit 2", 16, "expected the end"],
  ["Health sort Health.hp", 13, 'expected "by", found "Health.hp"'],
  ["Health sort by 3", 16, "expected a field such as"],
  ["Health sort by Health.hp down", 26, 'expected ",", "limit" or the end'],
  ["Health sort by Velocity.linear", 25, "name one of its numbers"],
  ["Health limit 1 sort by Entity", 16, "expected the end"],
];

for (const [text, column, why] of WRONG) {
  Deno.test(`parseQueryText() says what is wrong with: ${text}`, () => {
    const error = assertThrows(() => parseQueryText(text, SCHEMA), QueryTextError);
    assert(error instanceof QueryTextError);
    assert(error.message.includes(why), error.message);
    assertEquals([error.line, error.column, error.offset], [1, column, column - 1]);
    assert(error.message.startsWith(`Cannot read the query at column ${column}: `));
  });
}

Deno.test("parseQueryText() names the line of longer texts", () => {
  const error = assertThrows(() => parseQueryText("Health\n  were", SCHEMA), QueryTextError);
  assert(error.message.includes("at line 2, column 3"), error.message);
});

Deno.test("parseQueryText() bounds what it takes", () => {
  const deep = `${"(".repeat(40)}Entity = 1${")".repeat(40)}`;
  assertThrows(() => parseQueryText(`where ${deep}`), QueryTextError, "nested too deep");
  assertThrows(
    () => parseQueryText(`where ${"not ".repeat(40)}Entity = 1`),
    QueryTextError,
    "deep",
  );
  const many = new Array(200).fill("Entity = 1").join(" or ");
  assertThrows(() => parseQueryText(`where ${many}`), QueryTextError, "more than 128 conditions");
  const keys = new Array(9).fill("Entity").join(", ");
  assertThrows(() => parseQueryText(`sort by ${keys}`), QueryTextError, "8 values at the most");
  const long = " ".repeat(QUERY_TEXT_LENGTH_MAX + 1);
  assertThrows(() => parseQueryText(long), QueryTextError, "more than 16384 characters");
});

Deno.test("whatever text is made of, parseQueryText() takes it or says why not", () => {
  const words = fc.constantFrom(
    ...'Health Velocity.linear.x Entity where sort by limit and or not ( ) , ! ? + * = < 1 -2.5e3 true contains "a" \\ desc'
      .split(" "),
  );
  const text = fc.oneof(fc.array(words).map((words) => words.join(" ")), fc.string());
  fc.assert(
    fc.property(text, (text) => {
      try {
        const spec = parseQueryText(text, SCHEMA);
        assertEquals(parseQueryText(formatQueryText(spec), SCHEMA), spec);
        encodeMessage("QueryRequest", { ...spec, sort: spec.sort && [...spec.sort] });
      } catch (error) {
        assert(error instanceof QueryTextError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodePayload() takes conditions as deep and many as there may be, and no more", () => {
  const nested = (depth: number): Condition =>
    depth === 1 ? { op: "=", path: "Entity", value: 1 } : { op: "not", of: [nested(depth - 1)] };
  const decoded = (where: Condition) =>
    decodePayload("QueryRequest", encodeRaw({ query: {}, where })).where;
  assertEquals(decoded(nested(32)), nested(32));
  assertThrows(() => decoded(nested(33)), WireError, "at most 128 conditions, at most 32 inside");
  const wide = (count: number): Condition => ({ op: "or", of: new Array(count).fill(nested(1)) });
  assertEquals(decoded(wide(127)), wide(127));
  assertThrows(() => decoded(wide(128)), WireError, "at most 128 conditions");
});

/** Unchecked, as somebody else may send it. */
function encodeRaw(value: { query: object; where: Condition }): Uint8Array {
  return encode(JSON.parse(JSON.stringify(value)));
}
