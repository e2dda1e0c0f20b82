/**
 * `deno task set`: sets an entity's values, and adds and removes its components.
 *
 * @module
 */
import { suggestion } from "../lib/manifest/nearest.ts";
import type { Components } from "../lib/query/path.ts";
import { UserError } from "../lib/user_error.ts";
import type { WireCommand } from "../lib/wire/messages.ts";
import { answerCommands, parseEntity } from "./command_text.ts";
import { createProgram, runCommand, type ServerFlags, withClient } from "./terminal.ts";
import { parseValues } from "./value_text.ts";

interface Flags extends ServerFlags {
  readonly add?: true;
  readonly remove?: string[];
}

const EPILOGUE = `
Values are written as for \`deno task spawn\`; fields left out keep theirs. It all happens in
one tick, or with the next one where the world is paused.

Examples:
  deno task set 42 Mass.value=3 Velocity.linear=0,0,0
  deno task set 42 Static --add --remove Velocity`;

const program = createProgram("set", "Set an entity's values, and add and remove its components.")
  .argument("<entity>", "the entity's number", parseEntity)
  .argument("[values...]", "values, such as Mass.value=3")
  .option("--add", "add components that the entity lacks, with defaults for what is left out")
  .option("--remove <component...>", "take components away")
  .addHelpText("after", EPILOGUE)
  .action((entity: number, words: string[]) => {
    const flags = program.opts<Flags>();
    return withClient("set", flags, async (context) => {
      const components = await context.client.components();
      const commands = commandsOf(entity, words, { components, flags });
      const result = await context.client.command(commands);
      answerCommands(context, result, { text: `set entity ${entity}`, value: { entity } });
    });
  });

function commandsOf(
  entity: number,
  words: readonly string[],
  { components, flags }: { components: Components; flags: Flags },
): WireCommand[] {
  const { add, remove = [] } = flags;
  const values = Object.entries(parseValues(words, components));
  if (values.length + remove.length === 0) {
    throw new UserError(
      `Cannot set entity ${entity}: say what, such as Mass.value=3, or --remove Velocity`,
    );
  }
  const unknown = remove.find((name) => !components.has(name));
  if (unknown !== undefined) {
    const near = suggestion(unknown, components.keys());
    throw new UserError(`Cannot remove "${unknown}": unknown component${near}`);
  }
  const op = add ? "add" as const : "set" as const;
  return [
    ...values.map(([component, value]) => ({ op, entity, component, value })),
    ...remove.map((component) => ({ op: "remove" as const, entity, component })),
  ];
}

if (import.meta.main) await runCommand(program);
