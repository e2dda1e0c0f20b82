/**
 * The archivist, a client from outside: it has snapshots saved, deletes some, and
 * has the world become one of those that are stored. What it is told was done
 * must have happened.
 *
 * @module
 */
import { SnapshotCommands } from "../coordinator/snapshot_commands.ts";
import { delay } from "../lib/clock.ts";
import { SnapshotStore } from "../lib/snapshot/snapshot_store.ts";
import type { MessageOf } from "../lib/wire/messages.ts";
import { RefusedError, requestMessage } from "../lib/wire/request.ts";
import type { Subjects } from "../lib/wire/subjects.ts";
import type { Draw } from "./draw.ts";
import type { Observer } from "./observer.ts";
import type { SimulatedProcess } from "./process.ts";
import { insist } from "./violation.ts";

export interface ArchivistOptions {
  readonly process: SimulatedProcess;
  readonly draw: Draw;
  readonly subjects: Subjects;
  readonly observer: Observer;
}

const REQUEST_TIMEOUT_MS = 1000;
/** Between two requests, on average. */
const PAUSES_MS = [10, 60, 300];

/** Before it tries again what did not work, at the most. */
const PATIENCE_MS = 200;

export class Archivist {
  readonly #options: ArchivistOptions;
  readonly #commands: SnapshotCommands;
  #isStopped = false;

  constructor(options: ArchivistOptions) {
    const { process: { bus, log }, subjects } = options;
    const { payloadBytesMax } = bus;
    const store = new SnapshotStore({ log, subjects, payloadBytesMax });
    this.#options = options;
    this.#commands = new SnapshotCommands({ bus, log, store, subjects });
  }

  /** Sends one request after the other until it is stopped. */
  async run(): Promise<void> {
    const { process, draw } = this.#options;
    const pauseMs = draw.pick(PAUSES_MS);
    while (!this.#isStopped) {
      await delay(process.clock, draw.exponential(pauseMs));
      try {
        await this.#act(draw.below(5));
      } catch (error) {
        if (!isExpected(error)) throw error;
        await delay(process.clock, draw.unit() * PATIENCE_MS);
      }
    }
  }

  stop(): void {
    this.#isStopped = true;
  }

  #act(dice: number): Promise<void> {
    if (dice < 2) return this.#save();
    if (dice < 4) return this.#restore();
    return this.#delete();
  }

  async #save(): Promise<void> {
    const { snapshot = "" } = await this.#control({ op: "snapshot", note: "by the archivist" });
    this.#options.observer.checkSaved(snapshot);
  }

  async #restore(): Promise<void> {
    const { draw, observer } = this.#options;
    const ids = await this.#ids();
    if (ids.length === 0) return;
    const id = draw.pick(ids);
    const since = observer.tick;
    try {
      await this.#control({ op: "restore", snapshot: id });
    } catch (error) {
      const isGone = error instanceof RefusedError && GONE.test(error.message);
      if (!isGone) throw error;
      const left = await this.#ids();
      insist(!left.includes(id), () => `a snapshot is there and cannot be read: ${error.message}`);
      return;
    }
    observer.checkRestored(id, since);
  }

  /** Automatic ones are the coordinator's to delete. */
  async #delete(): Promise<void> {
    const { snapshots } = await this.#commands.list();
    const saved = snapshots.filter(({ meta }) => meta.kind === "manual");
    if (saved.length === 0) return;
    await this.#commands.delete(this.#options.draw.pick(saved).meta.id, { force: false });
  }

  async #ids(): Promise<string[]> {
    const { snapshots, damaged } = await this.#commands.list();
    insist(damaged.length === 0, () => `snapshot "${damaged[0].id}": ${damaged[0].reason}`);
    return snapshots.map(({ meta }) => meta.id);
  }

  #control(value: MessageOf<"Control">): Promise<MessageOf<"ControlReply">> {
    const { process: { bus }, subjects } = this.#options;
    return requestMessage(bus, subjects.control, {
      type: "Control",
      value,
      replyType: "ControlReply",
      timeoutMs: REQUEST_TIMEOUT_MS,
    });
  }
}

/** What nobody can know before, or a log that cannot be reached. */
function isExpected(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof RefusedError && error.isBusy) return true;
  return EXPECTED.has(error.name) || EXPECTED_REASONS.some((reason) => reason.test(error.message));
}

const EXPECTED = new Set(["RequestTimeoutError", "NoRespondersError"]);
const EXPECTED_REASONS = [
  /^Cannot find snapshots under .*: no coordinator has run a world there$/,
  /: another coordinator has taken this one's place$/,
  // It begins with what the coordinator wanted of the log.
  /: No answer in \d+ ms$/,
];
/** How a snapshot is refused that was deleted, before or while it was read. */
const GONE = /: (there is none with this id|part \d+ of \d+ is missing)$/;
