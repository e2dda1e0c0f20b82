import { assert, assertEquals, assertThrows } from "@std/assert";
import { QueryService } from "../coordinator/query_service.ts";
import { encodeEntities } from "../lib/ecs/column_bytes.ts";
import { World } from "../lib/ecs/world.ts";
import { evaluateQuery } from "../lib/query/evaluate.ts";
import { parseQueryText } from "../lib/query/parse.ts";
import { type ResultRow, rowsOfPage } from "../lib/query/rows.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import { encodeMessage } from "../lib/wire/codec.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { WireError } from "../lib/wire/wire_error.ts";
import { QUERY_TEXTS, RandomWorld, SCHEMA } from "./query_fixture.ts";

const ENTITIES = 300;
const SEEDS = 40;
const PAYLOAD_BYTES_MAX = 1024 * 1024;

type Request = MessageOf<"QueryRequest">;

/** All pages of a request, one after the other, as a client takes them. */
function allRows(
  service: QueryService,
  request: Request,
  { limit = Infinity, pageRows }: { limit?: number | undefined; pageRows: number },
): ResultRow[] {
  const rows: ResultRow[] = [];
  let cursor: string | undefined;
  do {
    const { response } = service.answer({
      ...request,
      limit: Math.min(pageRows, limit - rows.length),
      ...(cursor !== undefined && { cursor }),
    }, 1);
    rows.push(...rowsOfPage(response, SCHEMA));
    cursor = response.next;
  } while (cursor !== undefined && rows.length < limit);
  return rows;
}

function requestOf({ query, where, sort }: QuerySpec): Request {
  return { query, where, sort: sort && [...sort] };
}

/** Holds every page of the answer to the evaluation row by row. */
function check(random: RandomWorld, spec: QuerySpec, payloadBytesMax = PAYLOAD_BYTES_MAX): void {
  const service = new QueryService({ world: random.world, payloadBytesMax });
  const { limit, ...whole } = spec;
  const expected = evaluateQuery(random.rows(), whole, SCHEMA).map(({ entity }) => entity);
  for (const pageRows of [7, 1000]) {
    const rows = allRows(service, requestOf(spec), { limit, pageRows });
    const entities = rows.map(({ entity }) => entity);
    if (spec.sort) assertEquals(entities, expected.slice(0, limit));
    else {
      assertEquals(new Set(entities).size, Math.min(expected.length, limit ?? Infinity));
      assertEquals(entities.filter((entity) => !expected.includes(entity)), []);
    }
    checkValues(random, rows, spec);
  }
  const { response } = service.answer({ ...requestOf(spec), count: true, limit: 5 }, 1);
  assertEquals(response.total, expected.length);
  const offset = Math.floor(expected.length / 2);
  const rest = allRows(service, { ...requestOf(spec), count: true }, { pageRows: 1000 })
    .map(({ entity }) => entity);
  const page = service.answer({ ...requestOf(spec), offset, limit: 3 }, 1).response;
  assertEquals(
    rowsOfPage(page, SCHEMA).map(({ entity }) => entity),
    rest.slice(offset, offset + 3),
  );
}

/** Rows have the fields that are read, with the values that the world has. */
function checkValues({ world }: RandomWorld, rows: readonly ResultRow[], { query }: QuerySpec) {
  const read = [...query.read ?? [], ...query.optional ?? []].filter((term) => term !== "Entity");
  for (const { entity, values } of rows) {
    const components = world.componentsOf(entity);
    const expected = new Map<string, unknown>();
    for (const component of components) {
      const value = world.get(entity, component) ?? {};
      for (const { name } of component.fields) {
        const key = `${component.name}.${name}`;
        const isRead = read.some((term) => term === "*" || term === component.name || term === key);
        if (isRead) expected.set(key, value[name]);
      }
    }
    assertEquals(new Map([...values].toSorted()), new Map([...expected].toSorted()));
  }
}

for (const text of QUERY_TEXTS) {
  Deno.test(`QueryService.answer() selects what the evaluation row by row does: ${text}`, () => {
    for (const seed of [1, 2]) check(new RandomWorld(seed, ENTITIES), parseQueryText(text, SCHEMA));
  });
}

Deno.test("QueryService.answer() selects what the evaluation does, for random queries", () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new RandomWorld(seed, ENTITIES);
    for (let i = 0; i < 10; i++) {
      random.change(20);
      const spec = random.spec();
      try {
        check(random, spec);
      } catch (cause) {
        throw new Error(`seed ${seed}, query ${i}: ${JSON.stringify(spec, stringOfBigint)}`, {
          cause,
        });
      }
    }
  }
});

function stringOfBigint(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

Deno.test("QueryService.answer() makes pages that fit into small messages", () => {
  const payloadBytesMax = 8 * 1024;
  const random = new RandomWorld(3, 1000);
  for (const text of ["*", "* sort by Health.hp", "* where Health.hp > 1", "Label"]) {
    const spec = parseQueryText(text, SCHEMA);
    check(random, spec, payloadBytesMax);
    const service = new QueryService({ world: random.world, payloadBytesMax });
    const { response } = service.answer({ ...requestOf(spec), components: true }, 1);
    const bytes = encodeMessage("QueryResponse", response).data.length;
    assert(bytes <= payloadBytesMax && bytes > payloadBytesMax / 8, `${bytes} bytes`);
    assert(response.next !== undefined);
  }
});

Deno.test("QueryService.answer() lists all components of each row, where that is asked for", () => {
  const { world } = new RandomWorld(4, 50);
  const service = new QueryService({ world, payloadBytesMax: PAYLOAD_BYTES_MAX });
  const { response } = service.answer({ query: { with: ["Boid"] }, components: true }, 1);
  const rows = rowsOfPage(response, SCHEMA);
  assert(rows.length > 0);
  for (const { entity, components } of rows) {
    assertEquals(components, world.componentsOf(entity).map(({ name }) => name));
  }
});

Deno.test("QueryService.answer() takes a list of entities, in its order, those that match", () => {
  const random = new RandomWorld(5, 50);
  random.world.despawn(7);
  const service = new QueryService({ world: random.world, payloadBytesMax: PAYLOAD_BYTES_MAX });
  const entities = encodeEntities(Float64Array.of(9, 3, 7, 12, 1, 999, 9));
  const listed = (request: Request) =>
    rowsOfPage(service.answer({ ...request, entities }, 1).response, SCHEMA).map(({ entity }) =>
      entity
    );
  assertEquals(listed({ query: {} }), [9, 3, 12, 1]);
  assertEquals(listed({ query: {}, sort: [{ by: "Entity" }] }), [1, 3, 9, 12]);
  const where = { op: ">", path: "Entity", value: 3 } as const;
  assertEquals(listed({ query: {}, where, limit: 1 }), [9]);
  assertThrows(
    () => service.answer({ query: {}, entities: new Uint8Array(9) }, 1),
    WireError,
    "not at most 16384 u64s",
  );
});

Deno.test("QueryService.answer() says why it refuses", () => {
  const { world } = new RandomWorld(6, 20);
  const service = new QueryService({ world, payloadBytesMax: PAYLOAD_BYTES_MAX });
  const refused = (request: Request, reason: string) =>
    assertThrows(() => service.answer(request, 1), WireError, reason);
  const query = {};
  refused(
    { query: { read: ["Transfrom"] } },
    'unknown component "Transfrom", did you mean "Transform"?',
  );
  refused({ query, where: { op: "=", path: "Health.hq", value: 1 } }, 'did you mean "hp"?');
  refused(
    { query, where: { op: "=", path: "Health", value: 1 } },
    "needs a field, such as Health.hp",
  );
  refused({ query, where: { op: "=", path: "Static", value: 1 } }, "is a tag without values");
  refused(
    { query, where: { op: "=", path: "Velocity.linear", value: 1 } },
    "name one of its numbers",
  );
  refused({ query, where: { op: "=", path: "Velocity.linear.w", value: 1 } }, 'has no ".w"');
  refused({ query, where: { op: "=", path: "Health.hp.x", value: 1 } }, 'has no "x"');
  refused(
    { query, where: { op: "=", path: "Health.hp", value: "1" } },
    'compares with a number, not with "1"',
  );
  refused({ query, where: { op: "<", path: "Account.isOpen", value: true } }, "takes = and !=");
  refused({ query, where: { op: "contains", path: "Health.hp", value: 1 } }, "contains nothing");
  const twice = { op: "=", path: "Entity", value: 1 } as const;
  refused({ query, where: { op: "not", of: [twice, twice] } }, '"not" takes one condition, not 2');
  refused({ query, sort: [{ by: "Velocity.linear" }] }, "name one of its numbers");
  refused({ query, cursor: "x" }, 'Cannot continue at cursor "x"');
  refused({ query, cursor: "0.0", offset: 1 }, "a cursor or an offset, not both");
  refused(
    { query, sort: [{ by: "Entity" }], offset: 16_384 },
    "pages in an order end at row 16384",
  );
});

Deno.test("QueryService.answer() takes few milliseconds of a million rows, and refuses what would take more", () => {
  const world = new World(SCHEMA);
  world.changeTick = 1;
  const [label, health] = ["Label", "Health"].flatMap((name) => SCHEMA.get(name) ?? []);
  for (let i = 0; i < 1_000_000; i++) {
    world.spawn(new Map([[health, { hp: i % 977 }], [label, { text: `name ${i % 13}` }]]));
  }
  const service = new QueryService({ world, payloadBytesMax: PAYLOAD_BYTES_MAX });
  const ordered = parseQueryText(
    "Health where Health.hp > 3 sort by Health.hp desc limit 100",
    SCHEMA,
  );
  const { response, work } = service.answer({ ...requestOf(ordered), limit: 100, count: true }, 1);
  assertEquals(
    rowsOfPage(response, SCHEMA).map(({ values }) => values.get("Health.hp")).at(-1),
    976,
  );
  assertEquals([response.total, work], [995_904, 3_000_000]);
  const dear = parseQueryText('Label where Label.text contains "ship"', SCHEMA);
  const reason =
    assertThrows(() => service.answer({ ...requestOf(dear), count: true }, 1), WireError).message;
  assert(/to count 1000000 rows .* about 31 % of it; narrow it/.test(reason), reason);
  // Without a count it is a page at a time, even where none of its rows match.
  const page = service.answer(requestOf(dear), 1);
  assert(page.response.next !== undefined && page.response.chunks.length === 0);
  assert(page.work < 3_000_000);
});

Deno.test("QueryService.answer() takes no longer where a condition is as dear as can be", () => {
  const random = new RandomWorld(9, 3000);
  const service = new QueryService({ world: random.world, payloadBytesMax: PAYLOAD_BYTES_MAX });
  const one = { op: "contains", path: "Label.text", value: "nothing" } as const;
  const where = { op: "or", of: new Array(127).fill(one) } as const;
  const { response, work } = service.answer({ query: { read: ["Label"] }, where }, 1);
  assert(response.next !== undefined && work < 2_500_000, `${work}`);
  const entities = encodeEntities(Float64Array.from({ length: 3000 }, (_, i) => i + 1));
  const listed = { query: { read: ["Label"] }, where, entities };
  assertEquals(
    service.answer({ ...listed, entities: entities.slice(0, 80) }, 1).response.chunks,
    [],
  );
  const many = new QueryService({
    world: new RandomWorld(9, 16_000).world,
    payloadBytesMax: PAYLOAD_BYTES_MAX,
  });
  const all = encodeEntities(Float64Array.from({ length: 16_000 }, (_, i) => i + 1));
  const request = { query: { read: ["Label"] }, where, entities: all };
  assertThrows(() => many.answer(request, 1), WireError, "ask for fewer at a time");
});
