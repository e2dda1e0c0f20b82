/**
 * `deno task ctl`: pauses a world, lets it go on, steps it, changes its rate.
 *
 * @module
 */
import { positiveInteger, positiveNumber } from "../lib/cli.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { statusText } from "./status_text.ts";
import { createProgram, runCommand, type ServerFlags, withClient } from "./terminal.ts";

const EPILOGUE = `
All of them print how the world fares then. \`step\` leaves it paused; \`rate\` changes the
time that a tick simulates with it, 1 / hz.

Examples:
  deno task ctl pause
  deno task ctl step 10
  deno task ctl rate 30
  deno task ctl status --json`;

const program = createProgram("ctl", "Pause a world, let it go on, step it, change its rate.")
  .configureHelp({ showGlobalOptions: true })
  .addHelpText("after", EPILOGUE);

const add = (usage: string, description: string) =>
  program.command(usage).description(description).allowExcessArguments(false);

add("status", "print how it fares").action(() => control({ op: "status" }));
add("pause", "let the tick that runs end, and stop").action(() => control({ op: "pause" }));
add("resume", "go on").action(() => control({ op: "resume" }));
add("step", "run some ticks, and pause")
  .argument("[ticks]", "how many", positiveInteger, 1)
  .action((ticks: number) => control({ op: "step", ticks }));
add("rate", "tick so often a second")
  .argument("<hz>", "ticks a second", positiveNumber)
  .action((hz: number) => control({ op: "rate", hz }));

function control(value: MessageOf<"Control">): Promise<void> {
  return withClient("ctl", program.opts<ServerFlags>(), async ({ client, answer, heading }) => {
    const status = await client.control(value);
    answer(statusText(status, heading), status);
  });
}

if (import.meta.main) await runCommand(program);
