/**
 * `deno task despawn`: ends entities of a world that runs.
 *
 * @module
 */
import { parseQueryText } from "../lib/query/parse.ts";
import { UserError } from "../lib/user_error.ts";
import type { Client } from "./client.ts";
import { answerCommands, parseEntity } from "./command_text.ts";
import { createProgram, runCommand, type ServerFlags, withClient } from "./terminal.ts";

interface Flags extends ServerFlags {
  readonly query?: string;
}

/** Of one query. */
const ENTITIES_MAX = 100_000;

const EPILOGUE = `
A query is written as for \`deno task query\`; all rows that it selects go, ${ENTITIES_MAX} at the most.

Examples:
  deno task despawn 42 43
  deno task despawn --query '+Boid where Transform3D.translation.y < 0'`;

const program = createProgram("despawn", "End entities of a world that runs.")
  .argument("[entities...]", "the entities' numbers")
  .option("--query <text>", "all that this query selects")
  .addHelpText("after", EPILOGUE)
  .action((words: string[]) => {
    const flags = program.opts<Flags>();
    return withClient("despawn", flags, async (context) => {
      const entities = [...words.map(parseEntity), ...await selected(context.client, flags.query)];
      if (entities.length === 0 && flags.query === undefined) {
        throw new UserError("Cannot despawn: say which entities, or pass --query");
      }
      if (entities.length === 0) return context.answer("No row matches.", { despawned: 0 });
      const commands = entities.map((entity) => ({ op: "despawn" as const, entity }));
      const result = await context.client.command(commands);
      const gone = entities.length - (result?.refused.length ?? 0);
      const text = `despawned ${gone} ${gone === 1 ? "entity" : "entities"}`;
      answerCommands(context, result, { text, value: { despawned: gone } });
    });
  });

async function selected(client: Client, text: string | undefined): Promise<number[]> {
  if (text === undefined) return [];
  const components = await client.components();
  const { where, sort, limit, query } = parseQueryText(text, components);
  // Nothing of the rows is needed but who they are.
  const { read = [], ...others } = query;
  const required = read.map((term) => term.split(".")[0]).filter((name) => name !== "Entity");
  const bare = { ...others, optional: [], with: [...others.with ?? [], ...required] };
  const options = { components, rowsMax: ENTITIES_MAX };
  const { rows, hasMore } = await client.query({ query: bare, where, sort, limit }, options);
  if (hasMore && limit === undefined) {
    throw new UserError(
      `Cannot despawn all that "${text}" selects: it is more than ${ENTITIES_MAX} entities; ` +
        "add a limit, and do it several times",
    );
  }
  return rows.map(({ entity }) => entity);
}

if (import.meta.main) await runCommand(program);
