/**
 * `deno task editor`: a web page that shows a running world, and changes it.
 *
 * @module
 */
import { Command, InvalidArgumentError } from "commander";
import { natsAccess } from "../lib/bus/nats_access.ts";
import { drawId, onStopSignal, runProgram, stdinEnd, terminalReport } from "../lib/cli.ts";
import { systemClock, systemDateMs } from "../lib/clock.ts";
import {
  connectProgram,
  environmentSecrets,
  NATS_DEFAULT,
  natsOption,
} from "../lib/nats_connection.ts";
import { limitWarnings, type Report } from "../lib/report.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import { createSubjects, PREFIX_DEFAULT } from "../lib/wire/subjects.ts";
import { isLoopback } from "./server/origin.ts";
import { PageBundle } from "./server/page_bundle.ts";
import { PastService } from "./server/past_service.ts";
import { SnapshotDesk } from "./server/snapshot_desk.ts";
import { WebServer } from "./server/web_server.ts";

interface Flags {
  readonly nats: string;
  readonly prefix: string;
  readonly host: string;
  readonly port: number;
  readonly anyPort?: true;
  readonly stopWithStdin?: true;
}

const HOST_DEFAULT = "127.0.0.1";
const PORT_DEFAULT = 7070;
const PORT_MAX = 65_535;

const EPILOGUE = `
Open the address that it prints. The page talks to NATS through this process, so it
needs nothing but this port, and any nats-server with JetStream will do. It has no
login: whoever reaches the port may change the world, as the NATS user of this
process. So it listens on this machine alone, unless --host says otherwise.

Keys: docs/editor.md, or press ? in the page.

Examples:
  deno task editor
  deno task editor --nats nats://build-box:4222 --prefix worlds.north
  deno task editor --port 8000`;

function createProgram(): Command {
  return new Command("deno task editor")
    .description("Look into a running world, and change it, in a browser.")
    .addOption(natsOption(NATS_DEFAULT))
    .option("--prefix <subject>", "prefix of all subjects", PREFIX_DEFAULT)
    .option("--host <address>", "address to listen on", HOST_DEFAULT)
    .option("--port <n>", "port to listen on; 0: a free one", portNumber, PORT_DEFAULT)
    .option("--any-port", "where that port is in use, take a free one")
    .option("--stop-with-stdin", "stop when standard input ends, as for a child process")
    .addHelpText("after", EPILOGUE)
    .allowExcessArguments(false);
}

async function main(args: string[]): Promise<void> {
  const flags = createProgram().parse(args, { from: "user" }).opts<Flags>();
  const report = limitWarnings(terminalReport("editor"), systemClock);
  const stop = new AbortController();
  using _ = onStopSignal((count) => count > 1 ? Deno.exit(130) : stop.abort());
  if (flags.stopWithStdin) stdinEnd().then(() => stop.abort());
  await serve(flags, { report, signal: stop.signal });
  // Standard input may still be read, which would keep the process alive.
  if (flags.stopWithStdin) Deno.exit(0);
}

/** Serves the page until the signal is aborted. */
async function serve(
  flags: Flags,
  { report, signal }: { report: Report; signal: AbortSignal },
): Promise<void> {
  const subjects = createSubjects(flags.prefix);
  const secrets = environmentSecrets();
  const { bus, log } = await connectProgram(flags.nats, { name: "editor", report, secrets });
  try {
    const store = new SnapshotStore({ log, subjects, payloadBytesMax: bus.payloadBytesMax });
    const ports = { bus, log, store, subjects };
    using past = new PastService({
      ...ports,
      id: drawId(),
      clock: systemClock,
      now: systemDateMs,
      report,
    });
    past.start();
    await using server = new WebServer({
      host: flags.host,
      port: flags.port,
      isPortFlexible: flags.anyPort === true,
      access: natsAccess(flags.nats, secrets),
      prefix: subjects.prefix,
      bundle: new PageBundle(),
      snapshots: new SnapshotDesk(ports),
      clock: systemClock,
      report,
    });
    if (!isLoopback(flags.host)) {
      report.warn(`listening on ${flags.host}: whoever reaches it may change the world`);
    }
    console.log(`editor at ${server.url}`);
    await aborted(signal);
  } finally {
    await bus.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Parses a flag's value as a port. */
function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= PORT_MAX) return port;
  throw new InvalidArgumentError(`It takes a port, from 0 to ${PORT_MAX}.`);
}

if (import.meta.main) await runProgram(() => main(Deno.args));
