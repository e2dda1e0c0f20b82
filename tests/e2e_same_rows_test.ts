import { assertEquals } from "@std/assert";
import { systemClock } from "../lib/clock.ts";
import { type EntityRow, evaluateQuery } from "../lib/query/evaluate.ts";
import { parseQueryText } from "../lib/query/parse.ts";
import type { Components } from "../lib/query/path.ts";
import { type ResultRow, rowsOfPage } from "../lib/query/rows.ts";
import { Client } from "../operator/client.ts";
import { poll, startProgram } from "./e2e.ts";
import { EditorStage } from "./editor_stage.ts";

const AXES = ["x", "y", "z"];
/** Rows of the list that can be seen for certain. */
const VISIBLE = 12;
/** Programs at a time. */
const AT_A_TIME = 3;

/** Fifty queries over what the demo's world is made of. */
const QUERIES: readonly string[] = [
  "*",
  "* sort by Entity desc",
  "Mass",
  "!Mass",
  "+Boid, !Static",
  "+Static",
  "?Mass, !Boid",
  "Camera, Transform3D.translation",
  'Mesh where Mesh.asset contains "o"',
  'Mesh where Mesh.asset = "boid" sort by Entity',
  'Mesh where not Mesh.asset = "boid"',
  "Visibility where Visibility.visible = true",
  "Visibility where Visibility.visible != true sort by Entity desc",
  "* where Entity > 40",
  "* where Entity <= 7 sort by Entity desc",
  "* where Entity = 12",
  "* where Entity != 12 and Entity < 20",
  "Mass sort by Mass.value limit 5",
  "Mass sort by Mass.value desc, Entity limit 7",
  "Collider where Collider.radius > 0 or Collider.restitution < 1",
  ...AXES.flatMap((axis) => [
    `Velocity where Velocity.linear.${axis} > 0`,
    `Velocity where Velocity.linear.${axis} <= 0 sort by Velocity.linear.${axis}`,
    `Velocity, Mass sort by Velocity.linear.${axis} desc limit 10`,
    `Transform3D.translation where Transform3D.translation.${axis} >= 10 and Transform3D.translation.${axis} < 30`,
    `Transform3D where not (Transform3D.translation.${axis} > -20) sort by Transform3D.translation.${axis} desc`,
    `Force, ?Mesh where Force.value.${axis} > 1 or Force.value.${axis} < -1`,
    `+Boid where Velocity.linear.${axis} > 2 and Mass.value > 1 sort by Mass.value`,
    `BoundingBox where BoundingBox.min.${axis} < 0 and BoundingBox.max.${axis} > 0`,
    `Transform3D.translation, !Boid sort by Transform3D.translation.${axis}, Entity desc`,
    `Mesh.extent where Mesh.extent.${axis} != 0.5 sort by Mesh.extent.${axis} desc, Entity`,
  ]),
];

Deno.test("the terminal and the editor give the same rows for the same 50 queries", async () => {
  assertEquals(new Set(QUERIES).size, 50);
  await using stage = await EditorStage.open();
  await stage.onlooker.control({ op: "pause" });
  await stage.page.getByRole("status", { name: "State" }).getByText("Paused").waitFor();
  const { bus, subjects } = stage.onlooker;
  const components = await new Client({ bus, subjects, clock: systemClock, drawId: () => "" })
    .components();
  const world = await wholeWorld(stage, components);
  const printed = await printedRows(stage.nats);
  for (const [i, text] of QUERIES.entries()) {
    const spec = parseQueryText(text, components);
    const expected = evaluateQuery(world, spec, components).map(({ entity }) => entity);
    const inOrder = (entities: readonly number[]) =>
      spec.sort ? entities : entities.toSorted((a, b) => a - b);
    assertEquals(inOrder(printed[i]), inOrder(expected), `deno task query '${text}'`);
    await stage.find(text, expected.length);
    await poll(`the editor's rows of: ${text}`, async () => {
      const shown = (await stage.shownRows()).slice(0, VISIBLE);
      return shown.length === Math.min(VISIBLE, expected.length) &&
        shown.every((entity, i) => spec.sort ? entity === expected[i] : expected.includes(entity));
    });
  }
  assertEquals(stage.complaints, []);
});

/** Every entity with all that it has. */
async function wholeWorld(stage: EditorStage, components: Components): Promise<EntityRow[]> {
  const rows: EntityRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await stage.query({
      query: { optional: ["*"] },
      components: true,
      ...(cursor !== undefined && { cursor }),
    });
    rows.push(...rowsOfPage(page, components).map(entityRow));
    cursor = page.next;
  } while (cursor !== undefined);
  return rows;
}

function entityRow({ entity, components = [], values }: ResultRow): EntityRow {
  const byComponent = new Map<string, Record<string, unknown>>(
    components.map((name) => [name, {}]),
  );
  for (const [key, value] of values) {
    const [component, field] = key.split(".");
    const fields = byComponent.get(component);
    if (fields) fields[field] = value;
  }
  return { entity, components: byComponent };
}

/** The entities that the terminal's program prints for each of the queries. */
async function printedRows(nats: string): Promise<number[][]> {
  const printed: number[][] = new Array(QUERIES.length);
  const waiting = [...QUERIES.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, text] = next;
      await using program = startProgram("query", [text, "--json", "--nats", nats]);
      assertEquals(await program.code(), 0, program.output);
      const { rows } = JSON.parse(program.stdout.at(-1) ?? "") as { rows: { entity: number }[] };
      printed[i] = rows.map(({ entity }) => entity);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return printed;
}
