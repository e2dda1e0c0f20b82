/**
 * `deno task top`: shows how a world and its systems fare, again and again.
 *
 * @module
 */
import { positiveInteger, positiveNumber } from "../lib/cli.ts";
import { delay, systemClock } from "../lib/clock.ts";
import { UserError } from "../lib/user_error.ts";
import type { Client } from "./client.ts";
import {
  type Context,
  createProgram,
  runCommand,
  type ServerFlags,
  withClient,
} from "./terminal.ts";
import { type Sample, viewLines, viewOf } from "./top_view.ts";

interface Flags extends ServerFlags {
  readonly every: number;
  readonly count?: number;
}

const EVERY_S_DEFAULT = 1;
const SECOND_MS = 1000;
/** The newest ticks, whose times are shown. */
const TICKS = 30;
const EVENTS_SHOWN_MAX = 8;

const EPILOGUE = `
The bar of a system is the time from when it could begin until its last shard was done, of
the time that a tick has: systems that run at the same time, or row by row behind one another,
add up to more than the tick took. \`load\` is the share of time that its instances compute.
Below are the newest errors, and what the coordinator has told since.

On a terminal it is drawn in place until Ctrl-C. Where the output is piped it is printed as
plain lines, or with --json as one object on a line, for each look.

Examples:
  deno task top
  deno task top --json --every 5 > fares.jsonl
  deno task top --count 1 | cat`;

const program = createProgram("top", "Show how a world and its systems fare, again and again.")
  .option("--every <seconds>", "between two looks", positiveNumber, EVERY_S_DEFAULT)
  .option("--count <n>", "end after so many looks", positiveInteger)
  .addHelpText("after", EPILOGUE)
  .action(() => {
    const flags = program.opts<Flags>();
    return withClient("top", flags, (context) => run(context, flags));
  });

async function run(context: Context, { every, count = Infinity }: Flags): Promise<void> {
  const { client, signal } = context;
  const events: string[] = [];
  await client.onEvent(({ topic, tick_id, data }) => {
    events.push(`tick ${tick_id}: ${topic} ${JSON.stringify(data, plain)}`);
    if (events.length > EVENTS_SHOWN_MAX) events.shift();
  });
  // Rates take two looks.
  let before = await look(client);
  for (let i = 0; i < count; i++) {
    await delay(systemClock, every * SECOND_MS, signal);
    if (signal.aborted) return;
    const now = await patiently(context, () => look(client));
    if (now === undefined) continue;
    show(context, { now, before, events });
    before = now;
  }
}

/** A coordinator may be followed by another; until then there is nothing to see. */
async function patiently(
  { note, draw, screen, isJson }: Context,
  act: () => Promise<Sample>,
): Promise<Sample | undefined> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (screen() && !isJson) draw([error.message]);
    else note(error.message);
    return undefined;
  }
}

async function look(client: Client): Promise<Sample> {
  const [status, systems, trace] = await Promise.all([
    client.control({ op: "status" }),
    client.systems(),
    client.trace({ ticks: TICKS }),
  ]);
  return { at: systemClock.now(), status, systems, trace };
}

function show(
  { answer, draw, heading, screen, isJson }: Context,
  { now, before, events }: { now: Sample; before: Sample; events: readonly string[] },
): void {
  const view = viewOf(now, before);
  const lines = viewLines(view, heading);
  if (isJson || screen() === undefined) return answer(lines.join("\n"), view);
  draw([...lines, "", ...events]);
}

function plain(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

if (import.meta.main) await runCommand(program);
