/**
 * `deno task spawn`: spawns entities into a world that runs.
 *
 * @module
 */
import { positiveInteger } from "../lib/cli.ts";
import { answerCommands } from "./command_text.ts";
import { createProgram, runCommand, type ServerFlags, withClient } from "./terminal.ts";
import { parseValues } from "./value_text.ts";

interface Flags extends ServerFlags {
  readonly count: number;
}

const EPILOGUE = `
A component is given by its name, and by the values of its fields; those left out have
their defaults. Numbers of a vector are joined by commas, bytes are in hex, and a value of
type any is JSON, as is a component's value as a whole.

Examples:
  deno task spawn Boid Transform3D.translation=0,10,0 Velocity.linear=1,0,0
  deno task spawn Mass.value=2 'Mesh={"asset":"ship.glb"}' --count 10`;

const program = createProgram("spawn", "Spawn entities into a world that runs.")
  .argument("<values...>", "components, such as Boid or Mass.value=3")
  .option("--count <n>", "how many entities", positiveInteger, 1)
  .addHelpText("after", EPILOGUE)
  .action((words: string[]) => {
    const flags = program.opts<Flags>();
    return withClient("spawn", flags, async (context) => {
      const components = parseValues(words, await context.client.components());
      const command = { op: "spawn" as const, components };
      const result = await context.client.command(new Array(flags.count).fill(command));
      const spawned = result?.spawned.filter((entity) => entity !== 0) ?? [];
      answerCommands(context, result, {
        text: `spawned ${spawned.join(" ")}`,
        value: { entities: spawned },
      });
    });
  });

if (import.meta.main) await runCommand(program);
