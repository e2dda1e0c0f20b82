/**
 * `deno task snapshot`: takes, lists, compares, restores, exports and imports
 * snapshots of a world.
 *
 * @module
 */
import { Command } from "commander";
import { runProgram, terminalReport } from "../lib/cli.ts";
import { digestHex } from "../lib/ecs/digest.ts";
import { connectProgram, NATS_DEFAULT, natsOption } from "../lib/nats_connection.ts";
import { toJson } from "../lib/plain_json.ts";
import { compareSchemas } from "../lib/snapshot/schema_difference.ts";
import { readFile, writeFile } from "../lib/snapshot/snapshot_file.ts";
import { type Snapshot, SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { compareWorlds } from "../lib/snapshot/world_difference.ts";
import { restoreWorld } from "../lib/snapshot/world_image.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { Progress } from "./progress.ts";
import { SnapshotCommands } from "./snapshot_commands.ts";
import { openSource, writeWhole } from "./snapshot_paths.ts";
import {
  differenceText,
  type Heading,
  infoJson,
  infoText,
  listText,
  manifestText,
} from "./snapshot_text.ts";

interface Flags {
  readonly nats: string;
  readonly prefix: string;
  readonly json?: true;
}

const EPILOGUE = `
\`save\` and \`restore\` ask the coordinator that runs the world; the others need none.
An id is what \`list\` shows, such as t120; \`diff\` also takes files.

Examples:
  deno task snapshot save --note "before the flood"
  deno task snapshot list
  deno task snapshot diff t120 t240
  deno task snapshot export t120 world.orrery
  deno task snapshot import world.orrery --begin --prefix copy`;

function createProgram(): Command {
  const program = new Command("deno task snapshot")
    .description("Take, list, compare, restore, export and import snapshots of a world.")
    .addOption(natsOption(NATS_DEFAULT))
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--json", "print one JSON object")
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", EPILOGUE);
  const add = (usage: string, description: string) =>
    program.command(usage).description(description).allowExcessArguments(false);
  const doing = (act: (context: Context) => Promise<void>) => run(program.opts<Flags>(), act);
  add("save", "have the coordinator take a snapshot")
    .option("--note <text>", "what to write on it")
    .action((flags) => doing((context) => save(context, flags)));
  add("list", "list what is stored").action(() => doing(list));
  add("show <id>", "print what a snapshot holds")
    .action((id) => doing((context) => show(context, id)));
  add("restore <id>", "have the coordinator make the world this snapshot, in a tick of its own")
    .option("--migrate", "even if values are lost that the components have no place for any more")
    .action((id, flags) => doing((context) => restore(context, { id, ...flags })));
  add("export <id> <file>", "write a snapshot to a file")
    .action((id, file) => doing((context) => exportTo(context, { id, file })));
  add("import <file>", "store the snapshot that a file holds")
    .option("--as <id>", "the id that it gets; its own by default")
    .option("--begin", "begin a new world with it, which the next coordinator goes on from")
    .action((file, flags) => doing((context) => importFrom(context, { file, ...flags })));
  add("delete <id>", "delete a snapshot")
    .option("--force", "even if it is damaged, or the world can then not be resumed or replayed")
    .action((id, flags) => doing((context) => remove(context, { id, ...flags })));
  add("diff <a> <b>", "print what became of one snapshot in another; each an id or a file")
    .action((a, b) => doing((context) => diff(context, { a, b })));
  return program;
}

/** What a command works with, and how it answers. */
interface Context {
  readonly commands: SnapshotCommands;
  readonly heading: Heading;
  progress(label: string): Progress;
  /** Prints `text`, or `value` where JSON is asked for. */
  answer(text: string, value: unknown): void;
}

async function run(flags: Flags, act: (context: Context) => Promise<void>): Promise<void> {
  const report = terminalReport("snapshot");
  const subjects = createSubjects(flags.prefix);
  const { bus, log } = await connectProgram(flags.nats, { name: "snapshot", report });
  const { payloadBytesMax } = bus;
  const store = new SnapshotStore({ log, subjects, payloadBytesMax });
  const isStyled = Deno.stdout.isTerminal() && !Deno.noColor;
  try {
    await act({
      commands: new SnapshotCommands({ bus, log, store, subjects }),
      heading: (text) => isStyled ? `\x1b[1m${text}\x1b[22m` : text,
      progress: (label) => new Progress(label, { isShown: Deno.stderr.isTerminal(), write }),
      answer: (text, value) => console.log(flags.json ? toJson(value) : text),
    });
  } finally {
    await bus.close();
  }
}

async function save({ commands, answer }: Context, { note }: { note?: string }): Promise<void> {
  const info = await commands.save(note);
  answer(`saved ${infoText(info)}`, infoJson(info));
}

async function list({ commands, answer, heading }: Context): Promise<void> {
  const { snapshots, damaged } = await commands.list();
  answer(listText({ snapshots, damaged }, heading), {
    snapshots: snapshots.map((info) => ({ ...infoJson(info), goes_on: info.isGoneOnFrom })),
    damaged,
  });
}

async function show({ commands, answer, heading }: Context, id: string): Promise<void> {
  const manifest = await commands.show(id);
  const { parts, digest, tables, ...rest } = manifest;
  answer(manifestText(manifest, heading), {
    ...rest,
    digest: digestHex(digest),
    tables: tables.map((table) => ({ ...table, archetype: digestHex(table.archetype) })),
    parts: parts.map((part) => ({ ...part, digest: digestHex(part.digest) })),
  });
}

async function restore(
  { commands, answer }: Context,
  { id, migrate }: { id: string; migrate?: true },
): Promise<void> {
  const { tick } = await commands.restore(id, { migrate: migrate === true });
  answer(`the world is ${id} since tick ${tick}`, { id, tick });
}

async function exportTo(
  { commands, answer, progress }: Context,
  { id, file }: { id: string; file: string },
): Promise<void> {
  const stored = await commands.read(id, "export");
  using shown = progress("exporting");
  const total = stored.manifest.parts.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const parts = async function* () {
    for await (const part of stored.parts) {
      yield part;
      shown.show(done += part.length, total);
    }
  };
  await writeWhole(file, writeFile({ manifestData: stored.manifestData, parts: parts() }));
  shown.end();
  answer(`wrote snapshot ${id} to ${file}`, { id, file, bytes: done });
}

async function importFrom(
  { commands, answer, progress }: Context,
  { file, as, begin }: { file: string; as?: string; begin?: true },
): Promise<void> {
  const snapshot = await load({ commands, progress }, { file });
  const info = begin ? await commands.begin(snapshot) : await commands.import(snapshot, as);
  answer(`imported ${infoText(info)}`, infoJson(info));
}

async function remove(
  { commands, answer }: Context,
  { id, force }: { id: string; force?: true },
): Promise<void> {
  await commands.delete(id, { force: force === true });
  answer(`deleted ${id}`, { id });
}

async function diff(
  { commands, answer, heading, progress }: Context,
  { a, b }: { a: string; b: string },
): Promise<void> {
  const [before, after] = [
    await load({ commands, progress }, await placeOf(a)),
    await load({ commands, progress }, await placeOf(b)),
  ];
  const difference = {
    schema: compareSchemas(before.image, after.image.schema),
    world: compareWorlds(worldOf(before), worldOf(after)),
  };
  answer(differenceText(difference, heading), difference);
}

function worldOf({ image }: Snapshot) {
  return restoreWorld(image.schema, image);
}

/** A snapshot's place: in a stream, or in a file. */
type Place = { readonly id: string } | { readonly file: string };

/** A name that is a file's is one. */
async function placeOf(name: string): Promise<Place> {
  const isFile = await Deno.stat(name).then(({ isFile }) => isFile, () => false);
  return isFile ? { file: name } : { id: name };
}

async function load(
  { commands, progress }: Pick<Context, "commands" | "progress">,
  place: Place,
): Promise<Snapshot> {
  using shown = progress("reading");
  const onProgress = (done: number, total: number) => shown.show(done, total);
  if ("id" in place) return await commands.load(place.id, { onProgress });
  using source = await openSource(place.file);
  return await readFile(source, { onProgress });
}

function write(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) {
  await runProgram(async () => {
    await createProgram().parseAsync(Deno.args, { from: "user" });
  });
}
