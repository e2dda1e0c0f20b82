/**
 * `deno task query`: prints the rows that a query selects, once or as they change.
 *
 * @module
 */
import { positiveNumber } from "../lib/cli.ts";
import { orderOf } from "../lib/query/evaluate.ts";
import { parseQueryText } from "../lib/query/parse.ts";
import type { Components } from "../lib/query/path.ts";
import type { ResultRow } from "../lib/query/rows.ts";
import type { QuerySpec } from "../lib/query/spec.ts";
import { WatchedRows } from "../lib/query/watched_rows.ts";
import { rowJson, rowLine, rowsText } from "./row_text.ts";
import {
  type Context,
  createProgram,
  runCommand,
  type ServerFlags,
  withClient,
} from "./terminal.ts";

interface Flags extends ServerFlags {
  readonly table?: true;
  readonly watch?: true;
  readonly every: number;
}

/** Without a limit in the query. */
const ROWS_DEFAULT = 1000;
const EVERY_S_DEFAULT = 0.2;
const SECOND_MS = 1000;

const EPILOGUE = `
A query names components and fields, and may go on with conditions, an order and a limit:

  Velocity.linear, Mesh      rows that have both, with these values
  ?Mass  !Static  +Boid      may have it; lacks it; has it, but it is not printed
  *                          every entity with all that it has, as does no name at all
  where Mass.value < 3 and (Mesh.asset contains "ship" or not Velocity.linear.y > 0)
  sort by Mass.value desc, Entity
  limit 20

Without a limit it is the first ${ROWS_DEFAULT} rows. A number of a vector is .x, .y, .z, .w, or .0 and on.
With --watch the table is drawn anew as rows change; where the output is piped, or without
--table, a line tells each row that came or changed (+), or went (-). With --json a line
tells all that changed in a tick. \`sort\` orders the table alone; Ctrl-C ends it.

Examples:
  deno task query 'Transform3D.translation where Transform3D.translation.y > 10 limit 5'
  deno task query '* where Entity = 42' --json
  deno task query 'Velocity sort by Velocity.linear.x desc limit 20' --watch`;

const program = createProgram(
  "query",
  "Print the rows that a query selects, once or as they change.",
)
  .argument("[query]", "what to select; every entity by default", "*")
  .option("--table", "print a table, also where lines would be printed")
  .option("--watch", "go on printing what changes, until Ctrl-C")
  .option(
    "--every <seconds>",
    "with --watch: no more often than this",
    positiveNumber,
    EVERY_S_DEFAULT,
  )
  .addHelpText("after", EPILOGUE)
  .action((text: string) => {
    const flags = program.opts<Flags>();
    return withClient("query", flags, (context) => run(context, text, flags));
  });

async function run(context: Context, text: string, flags: Flags): Promise<void> {
  // What needs no coordinator to be wrong is said without one.
  parseQueryText(text);
  const components = await context.client.components();
  const spec = parseQueryText(text, components);
  if (flags.watch) return await watch(context, spec, { components, flags });
  await printRows(context, spec, components);
}

async function printRows(
  { client, answer, note, heading, isJson }: Context,
  spec: QuerySpec,
  components: Components,
): Promise<void> {
  const rowsMax = spec.limit ?? ROWS_DEFAULT;
  const { rows, hasMore, ticks } = await client.query(spec, { components, rowsMax });
  const table = rows.length === 0
    ? "No row matches."
    : rowsText(rows, { heading, isEvery: isEvery(spec), components }).join("\n");
  const [first, last] = ticks;
  answer(table, { tick: last, rows: rowsJson(rows, spec), more: hasMore });
  if (isJson) return;
  if (first !== last) {
    note(`The rows are of ticks ${first} to ${last}; pause the world for one moment.`);
  }
  if (hasMore && spec.limit === undefined) {
    note(`These are the first ${rows.length} rows; more match. Add a limit, or narrow the query.`);
  }
}

function isEvery({ query }: QuerySpec): boolean {
  return query.optional?.includes("*") === true;
}

async function watch(
  context: Context,
  spec: QuerySpec,
  { components, flags }: { components: Components; flags: Flags },
): Promise<void> {
  const { client, signal, screen, isJson } = context;
  const watched = new WatchedRows(components);
  const isTable = !isJson && (flags.table === true || screen() !== undefined);
  const everyMs = flags.every * SECOND_MS;
  const limit = spec.limit ?? ROWS_DEFAULT;
  const asked = isTable && spec.sort ? withSortKeys(spec) : { ...spec, limit };
  await client.watch(asked, {
    signal,
    everyMs,
    take: (delta) => {
      const changes = watched.apply(delta);
      if (watched.isBroken) return false;
      if (isTable) showTable(context, watched, { spec: { ...spec, limit }, components });
      else if (isJson) {
        const { tick_id: tick, reset, more } = delta;
        const changed = rowsJson(changes.changed, spec);
        context.answer("", { tick, reset, changed, gone: changes.gone, more });
      } else {
        for (const entity of changes.gone) context.answer(`- ${entity}`, undefined);
        for (const row of changes.changed) context.answer(`+ ${rowLine(row)}`, undefined);
      }
      return true;
    },
  });
}

/** All rows, with what they are sorted by: what is first in an order is not what came first. */
function withSortKeys({ query, where, sort = [] }: QuerySpec): QuerySpec {
  const keys = sort.map(({ by }) => by.split(".")).filter((parts) => parts.length > 1);
  const fields = keys.map(([component, field]) => `${component}.${field}`);
  return { where, query: { ...query, optional: [...query.optional ?? [], ...fields] } };
}

function rowsJson(rows: readonly ResultRow[], spec: QuerySpec) {
  return rows.map((row) => rowJson(row, { isEvery: isEvery(spec) }));
}

function showTable(
  { answer, draw, heading, screen }: Context,
  { rows, tick }: WatchedRows,
  { spec, components }: { spec: QuerySpec; components: Components },
): void {
  const size = screen();
  const all = [...rows.values()];
  const ordered = spec.sort ? all.map(entityRowOf).sort(orderOf(components, spec.sort)) : all;
  const title = `tick ${tick}, ${rows.size} ${rows.size === 1 ? "row" : "rows"}`;
  const shown = Math.min(spec.limit ?? ROWS_DEFAULT, size ? Math.max(0, size.rows - 2) : Infinity);
  const fitting = ordered.flatMap(({ entity }) => rows.get(entity) ?? []).slice(0, shown);
  const options = { heading, isEvery: isEvery(spec), components };
  const lines = [title, ...rowsText(fitting, options)];
  if (size) draw(lines);
  else answer(lines.join("\n"), undefined);
}

/** A row as orders are applied to. */
function entityRowOf({ entity, values }: ResultRow) {
  const components = new Map<string, Record<string, unknown>>();
  for (const [key, value] of values) {
    const [component, field] = key.split(".");
    components.set(component, { ...components.get(component), [field]: value });
  }
  return { entity, components };
}

if (import.meta.main) await runCommand(program);
