/**
 * The embedded NATS server: a nats-server process of our own, on loopback, with
 * JetStream on, that never outlives the process that started it.
 *
 * @module
 */
import { compareVersions } from "../bus/nats_version.ts";
import { type Clock, systemClock } from "../clock.ts";
import { UserError } from "../user_error.ts";
import { type ClusterConfig, formatConfig } from "./config.ts";
import { claimDataFolder, PID_FILE_NAME } from "./data_folder.ts";
import { readVersion } from "./executable.ts";
import { findServer } from "./find_server.ts";
import type { ListenPorts } from "./server_log.ts";
import { type ServerExit, ServerProcess } from "./server_process.ts";

export interface StartServerOptions {
  /** Told, a line at a time, what is being done. */
  progress: (line: string) => void;
  /** JetStream's folder, made when missing; by default one that is removed at the end. */
  dataDir?: string;
  /** By default a free one of the system's choice. */
  port?: number;
  /** Whether browsers may connect too. */
  websocket?: boolean;
  /** By default a free one of the system's choice. */
  websocketPort?: number;
  /** Web origins that may connect; by default any, so any page open on this machine. */
  websocketOrigins?: readonly string[];
  maxPayloadBytes?: number;
  /**
   * How often what was stored is synced to the disk, such as `10s`, or `always`; by
   * default every 2 minutes. It takes nats-server 2.10.
   */
  syncInterval?: string;
  /**
   * Where it is given, a server that dies is started again, on the same ports and folder,
   * and this is told so; one that dies again and again at once is given up.
   */
  onDeath?: (line: string) => void;
  /** Makes it a member of a cluster on this machine. */
  cluster?: ClusterConfig;
  /** By default one that {@linkcode findServer} finds. */
  executable?: string;
  clock?: Clock;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Undefined without WebSocket. */
  readonly websocketPort: number | undefined;
  readonly dataDir: string;
  /** Process id of the nats-server itself, of the newest where it was started again. */
  readonly pid: number;
  /** Resolves when the process has ended for good, whether it was stopped or died. */
  readonly exited: Promise<ServerExit>;
  /** Ends the process; safe to call twice. */
  stop(): Promise<void>;
}

const MAX_PAYLOAD_BYTES_DEFAULT = 8 * 1024 * 1024;
/** The oldest nats-server that can be told how often to sync. */
const SYNC_VERSION_MIN = "2.10.0";

/**
 * Starts a server and resolves when it takes connections.
 * @throws {UserError} when there is no nats-server, it does not come up, or the data folder is in use.
 */
export async function startNatsServer(options: StartServerOptions): Promise<NatsServer> {
  const { progress, clock = systemClock } = options;
  const executable = options.executable ?? await findServer({ progress });
  if (options.syncInterval !== undefined) await checkCanSync(executable);
  const runFolder = await Deno.makeTempDir({ prefix: "orrery-nats-" });
  try {
    const dataDir = options.dataDir ?? `${runFolder}/data`;
    const config = `${runFolder}/nats-server.conf`;
    const configure = (ports: ListenPorts) =>
      Deno.writeTextFile(config, toConfigText(dataDir, { ...options, ...ports }));
    await configure({ port: options.port, websocketPort: options.websocketPort });
    const dataFolder = await claimDataFolder(dataDir, clock);
    const guarded = [runFolder, `${dataDir}/${PID_FILE_NAME}`, executable, "--config", config];
    const process = new ServerProcess(guarded, {
      clock,
      onEnd: () => dataFolder.release(),
      onDeath: options.onDeath,
    });
    await process.waitReady();
    // Whoever is connected to this one looks for the next one where it was.
    await configure(process.ports);
    progress(`Started ${executable} at ${process.url}`);
    return toNatsServer(process, dataDir);
  } catch (error) {
    await Deno.remove(runFolder, { recursive: true }).catch(ignoreNotFound);
    throw error;
  }
}

async function checkCanSync(executable: string): Promise<void> {
  const version = await readVersion(executable);
  if (version !== undefined && compareVersions(version, SYNC_VERSION_MIN) >= 0) return;
  throw new UserError(
    `Cannot set how often nats-server syncs: ${executable} is ${version}, and has no such setting ` +
      `before ${SYNC_VERSION_MIN}. It syncs every 2 minutes; install a newer one`,
  );
}

function toConfigText(
  dataDir: string,
  options: Omit<StartServerOptions, keyof ListenPorts> & ListenPorts,
): string {
  const { port = 0, websocketPort = 0, websocketOrigins = [] } = options;
  return formatConfig({
    port,
    storeFolder: dataDir,
    maxPayloadBytes: options.maxPayloadBytes ?? MAX_PAYLOAD_BYTES_DEFAULT,
    ...(options.syncInterval !== undefined && { syncInterval: options.syncInterval }),
    ...(options.cluster && { cluster: options.cluster }),
    ...(options.websocket ? { websocket: { port: websocketPort, origins: websocketOrigins } } : {}),
  });
}

function toNatsServer(process: ServerProcess, dataDir: string): NatsServer {
  return {
    url: process.url,
    port: process.ports.port ?? 0,
    websocketPort: process.ports.websocketPort,
    dataDir,
    get pid() {
      return process.pid;
    },
    exited: process.exited,
    stop: () => process.stop(),
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
