/**
 * The embedded NATS server: a nats-server process of our own, on loopback, with
 * JetStream on, that never outlives the process that started it.
 *
 * @module
 */
import { compareVersions } from "../bus/nats_version.ts";
import { type Clock, delay, systemClock } from "../clock.ts";
import { UserError } from "../user_error.ts";
import { type ClusterConfig, formatConfig } from "./config.ts";
import { claimDataFolder, type DataFolder, PID_FILE_NAME } from "./data_folder.ts";
import { readVersion } from "./executable.ts";
import { findServer } from "./find_server.ts";
import { GUARD_SCRIPT } from "./guard.ts";
import { ServerLog } from "./server_log.ts";

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
  /** Makes it a member of a cluster on this machine. */
  cluster?: ClusterConfig;
  /** By default one that {@linkcode findServer} finds. */
  executable?: string;
  clock?: Clock;
}

export interface ServerExit {
  readonly code: number;
  /** Its last lines. */
  readonly logTail: string;
}

export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Undefined without WebSocket. */
  readonly websocketPort: number | undefined;
  readonly dataDir: string;
  /** Process id of the nats-server itself. */
  readonly pid: number;
  /** Resolves when the process has ended, whether it was stopped or died. */
  readonly exited: Promise<ServerExit>;
  /** Ends the process; safe to call twice. */
  stop(): Promise<void>;
}

const MAX_PAYLOAD_BYTES_DEFAULT = 8 * 1024 * 1024;
/** The oldest nats-server that can be told how often to sync. */
const SYNC_VERSION_MIN = "2.10.0";
/** A large store takes its time to recover. */
const READY_TIMEOUT_MS = 60_000;

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
    await Deno.writeTextFile(config, toConfigText(dataDir, options));
    const dataFolder = await claimDataFolder(dataDir, clock);
    const guarded = [runFolder, `${dataDir}/${PID_FILE_NAME}`, executable, "--config", config];
    const process = new ServerProcess(guarded, dataFolder);
    await process.waitReady(clock);
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

function toConfigText(dataDir: string, options: StartServerOptions): string {
  const { websocketPort = 0, websocketOrigins = [] } = options;
  return formatConfig({
    port: options.port ?? 0,
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
    port: process.port,
    websocketPort: process.websocketPort,
    dataDir,
    pid: process.pid,
    exited: process.exited,
    stop: () => process.stop(),
    [Symbol.asyncDispose]: () => process.stop(),
  };
}

/** A nats-server under its guard. */
class ServerProcess {
  readonly exited: Promise<ServerExit>;
  readonly #guard: Deno.ChildProcess;
  readonly #log: ServerLog;
  #stopping: Promise<void> | undefined;

  constructor(guarded: string[], dataFolder: DataFolder) {
    this.#guard = new Deno.Command("sh", {
      args: ["-c", GUARD_SCRIPT, "nats-server-guard", ...guarded],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
      // A Ctrl-C in the terminal is for us alone: the server stops after we have drained.
      detached: true,
    }).spawn();
    this.#log = new ServerLog(this.#guard.stderr);
    this.exited = this.#awaitExit(dataFolder);
  }

  get port(): number {
    return this.#log.ports.port ?? 0;
  }

  get websocketPort(): number | undefined {
    return this.#log.ports.websocketPort;
  }

  get pid(): number {
    return this.#log.pid ?? 0;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async waitReady(clock: Clock): Promise<void> {
    const waiting = new AbortController();
    const outcome = await Promise.race([
      this.#log.ready.then(() => "ready"),
      this.exited.then(({ code }) => `it exited with code ${code}`),
      delay(clock, READY_TIMEOUT_MS, waiting.signal).then(() =>
        `not ready in ${READY_TIMEOUT_MS} ms`
      ),
    ]);
    waiting.abort();
    if (outcome === "ready") return;
    await this.stop();
    throw new UserError(`Cannot start nats-server: ${outcome}\n${this.#log.tail}`);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    await this.#guard.stdin.close().catch(() => {/* it has exited already */});
    await this.exited;
  }

  async #awaitExit(dataFolder: DataFolder): Promise<ServerExit> {
    const { code } = await this.#guard.status;
    await this.#log.ended;
    dataFolder.release();
    return { code, logTail: this.#log.tail };
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
