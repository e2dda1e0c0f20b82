/**
 * Where the coordinator's programs get their NATS from: the server that they are
 * told of, or one of their own where none is to be found.
 *
 * @module
 */
import type { Bus } from "../lib/bus/bus.ts";
import type { Log } from "../lib/bus/log.ts";
import { natsAccess } from "../lib/bus/nats_access.ts";
import { childEnvironment, connectProgram, NATS_DEFAULT } from "../lib/nats_connection.ts";
import { type NatsServer, startNatsServer } from "../lib/nats_server/nats_server.ts";
import type { Report } from "../lib/report.ts";
import { UserError } from "../lib/user_error.ts";

export interface Connection extends AsyncDisposable {
  readonly bus: Bus;
  readonly log: Log;
  /** Where it leads, for messages: without what is secret. */
  readonly name: string;
  /** What the environment of child processes has to say for them to connect there, too. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Does `work`, which may be left alone amid it.
   * @throws {UserError} when the embedded server, if it is one, dies and cannot be started again.
   */
  during<T>(work: () => Promise<T>): Promise<T>;
}

export interface ConnectionOptions {
  /** What `--nats` or `NATS_URL` says. */
  readonly nats?: string | undefined;
  /** Where an embedded server keeps its streams; a temporary folder by default. */
  readonly data?: string | undefined;
  /** How often it syncs them to the disk, such as `10s`, or `always`. */
  readonly sync?: string | undefined;
  readonly report: Report;
}

/**
 * Connects to the server that is given. Where none is: to the one at the default
 * address, or else to an embedded one started there.
 * @throws {UserError} when there is no server and none can be started.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const running = options.nats ?? (await isListening(NATS_DEFAULT) ? NATS_DEFAULT : undefined);
  if (running !== undefined && options.sync !== undefined) {
    throw new UserError(
      `Cannot set how often NATS at ${natsAccess(running).name} syncs: --sync is for a server ` +
        "that is started here; set sync_interval in the jetstream block of its configuration",
    );
  }
  if (running !== undefined) return await connectTo(running, options);
  options.report.info(`no NATS server at ${NATS_DEFAULT}; starting one`);
  return await openEmbedded({ ...options, port: Number(new URL(NATS_DEFAULT).port) });
}

/** Starts an embedded server, on a port of the system's choice by default, and connects to it. */
export async function openEmbedded(
  { port, ...options }: ConnectionOptions & { port?: number },
): Promise<Connection> {
  const { data, sync, report } = options;
  const server = await startNatsServer({
    progress: (line) => report.info(line),
    onDeath: (line) => report.warn(line),
    ...(port !== undefined && { port }),
    ...(data !== undefined && { dataDir: data }),
    ...(sync !== undefined && { syncInterval: sync }),
  });
  try {
    return await connectTo(server.url, options, server);
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function connectTo(
  url: string,
  { report }: ConnectionOptions,
  server?: NatsServer,
): Promise<Connection> {
  const { bus, log } = await connectProgram(url, {
    name: "coordinator",
    report,
    // The embedded one asks for nothing.
    secrets: server && {},
  });
  return {
    bus,
    log,
    name: natsAccess(url).name,
    env: childEnvironment(url, { isOpen: server !== undefined }),
    during: (work) => server ? Promise.race([work(), failure(server)]) : work(),
    async [Symbol.asyncDispose]() {
      await bus.close();
      await server?.stop();
    },
  };
}

async function failure({ url, exited }: NatsServer): Promise<never> {
  const { code, logTail } = await exited;
  throw new UserError(
    `Cannot go on without the nats-server at ${url}: it ended with code ${code}, and so did others ` +
      `that were started in its place. Its last lines:\n${logTail}`,
  );
}

/** True when something accepts connections there, whatever it is. */
async function isListening(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  try {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    connection.close();
    return true;
  } catch {
    return false;
  }
}
